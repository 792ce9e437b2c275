import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { PAGES } from "./comments.ts";

it.each(Object.entries(PAGES))("finds the viewer's own hidden comments by their index (%s)", async (order, text) => {
  const params = ["0123456789abc", "0123456789abd", "", "0123456789abe", 20, ...(order === "most_liked" ? [9] : [])];
  const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`)
    .bind(...params)
    .all<{ detail: string }>();
  const details = plan.results.map(({ detail }) => detail);
  expect(
    details.filter((detail) => detail.includes("INDEX comments_hidden (post=? AND parent=? AND author=?")),
  ).toHaveLength(1);
  const shown =
    order === "most_liked"
      ? "INDEX comments_by_likes (post=? AND parent=? AND (likes,id)<(?,?))"
      : "PRIMARY KEY (post=? AND parent=? AND id";
  expect(details.some((detail) => detail.includes(shown))).toBe(true);
});

/** Muted posts: a person gets no more notifications about them. */
import { sql } from "drizzle-orm";
import { statement } from "../../../schema/d1/database.ts";
import { createRoute, z } from "@hono/zod-openapi";
import { list, literal, textOf } from "../../../schema/d1/sql.ts";
import { mutedPosts as mutedPostsTable } from "../../../schema/tables/notifications.ts";
import { Muted } from "../../../schema/api/people.ts";
import { PostId } from "../../../schema/ids.ts";
import { viewablePost } from "../../reads/posts.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { claimedViewer, json, refusals, requireViewer, routes } from "../../http/routes.ts";

export const mutedPosts = routes();

const MUTED_MAX = 1000;

const route = {
  path: "/posts/{post}/mute",
  request: { params: z.object({ post: PostId }) },
  responses: { 200: json(Muted), ...refusals },
} as const;

mutedPosts.openapi(
  createRoute({ ...route, method: "get", summary: "Tell whether the viewer has muted a post" }),
  async (c) => {
    const { person } = claimedViewer(c);
    const { post } = c.req.valid("param");
    const rows = await c.var.reader.replica(person, IS_MUTED, person, post);
    return c.json({ mutedByMe: rows.length > 0 }, 200);
  },
);

for (const { wanted, ...operation } of [
  {
    method: "put",
    wanted: true,
    summary: "Mute a post: no more notifications of its likes, comments, replies and mentions",
    description: `A person can mute up to ${MUTED_MAX} posts. Repeating it changes nothing.`,
  },
  { method: "delete", wanted: false, summary: "Unmute a post" },
] as const) {
  mutedPosts.openapi(createRoute({ ...route, ...operation }), async (c) => {
    const { post } = c.req.valid("param");
    // Both at once, but a forged token must not reveal from whom a post is hidden.
    const [{ person }] = await Promise.all([requireViewer(c), wanted ? viewablePost(c.var.reader, post) : undefined]);
    const statements = wanted ? [MUTE, IS_MUTED] : [UNMUTE];
    const [, muted] = await c.var.reader.write(
      person,
      statements.map((text) => statement(text, person, post)),
    );
    if (muted?.rows.length === 0) throw new Refusal("too_many_mutes");
    return c.json({ mutedByMe: wanted }, 200);
  });
}

const IS_MUTED = textOf(sql`
  SELECT 1 FROM ${mutedPostsTable} WHERE ${mutedPostsTable.person} = ?1 AND ${mutedPostsTable.post} = ?2`);
const MUTE = textOf(sql`
  INSERT INTO ${mutedPostsTable} (${list(mutedPostsTable.person, mutedPostsTable.post)}) SELECT ?1, ?2
  WHERE (SELECT count(*) FROM ${mutedPostsTable} WHERE ${mutedPostsTable.person} = ?1) < ${literal(MUTED_MAX)}
  ON CONFLICT DO NOTHING`);
const UNMUTE = textOf(sql`
  DELETE FROM ${mutedPostsTable} WHERE ${mutedPostsTable.person} = ?1 AND ${mutedPostsTable.post} = ?2`);

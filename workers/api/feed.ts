import { createRoute } from "@hono/zod-openapi";
import { PageQuery } from "../../schema/api/common.ts";
import { PostPage } from "../../schema/api/posts.ts";
import { feedSkeleton } from "../reads/feed.ts";
import { postPage } from "../reads/post-page.ts";
import { json, refusals, routes, signedIn } from "./routes.ts";

export const feed = routes();

feed.openapi(
  createRoute({
    method: "get",
    path: "/feed",
    summary: "The posts of everybody the caller follows, and the caller's own, newest first",
    request: { query: PageQuery },
    responses: { 200: json(PostPage), ...refusals },
  }),
  async (c) => {
    const { person } = signedIn(c);
    const page = await postPage(c, c.req.valid("query"), (before, count) => feedSkeleton(c.env, person, before, count));
    return c.json(page, 200);
  },
);

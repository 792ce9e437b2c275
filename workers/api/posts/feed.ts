import { createRoute } from "@hono/zod-openapi";
import { PageQuery } from "../../../schema/api/common.ts";
import { PostPage } from "../../../schema/api/posts.ts";
import { feedSkeleton } from "../../feeds/skeleton.ts";
import { claimedViewer, json, refusals, routes } from "../../http/routes.ts";
import { postPage } from "./post-page.ts";

export const feed = routes();

feed.openapi(
  createRoute({
    method: "get",
    path: "/feed",
    summary: "List the posts of the people the viewer follows and the viewer's own, newest first",
    description:
      "A feed holds the newest 500 posts, and of each person at most the newest 100. It leaves out people whom the viewer has muted.",
    request: { query: PageQuery },
    responses: { 200: json(PostPage), ...refusals },
  }),
  async (c) => {
    const { person } = claimedViewer(c);
    return postPage(c, c.req.valid("query"), (before, limit) => feedSkeleton(c.var.reader, person, { before, limit }));
  },
);

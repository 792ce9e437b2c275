import { createRoute } from "@hono/zod-openapi";
import { PageQuery } from "../../../schema/api/common.ts";
import { PostPage } from "../../../schema/api/posts.ts";
import type { PostId } from "../../../schema/ids.ts";
import { feedSkeleton, storedFeed } from "../../feeds/skeleton.ts";
import { postPage } from "./post-page.ts";
import { idOfCursor } from "../../http/cursors.ts";
import { json, refusals, routes, requireViewer } from "../../http/routes.ts";
import { findViewer, probablePerson } from "../accounts/viewer.ts";

/** Finds the viewer in the same D1 call that reads the feed, because that call is most of the cost of a page. */
export const feed = routes();

feed.openapi(
  createRoute({
    method: "get",
    path: "/feed",
    summary: "List the posts of the people the viewer follows and the viewer's own, newest first",
    request: { query: PageQuery },
    responses: { 200: json(PostPage), ...refusals },
  }),
  async (c) => {
    const { reader } = c.var;
    const query = c.req.valid("query");
    // If the session turns out to be over, the page that was read for it is discarded.
    const expected = probablePerson(c);
    const first = { before: idOfCursor<PostId>(query.cursor), limit: query.limit + 1 };
    const begun = expected && storedFeed(reader, expected, first);
    begun?.catch(() => undefined); // Awaited below, if it is used.
    await findViewer(c);
    const { person } = requireViewer(c);
    let stored = person === expected ? await begun : undefined;
    return postPage(c, query, (before, limit) => {
      const read = feedSkeleton(reader, person, { before, limit }, stored);
      stored = undefined; // It holds the first page only.
      return read;
    });
  },
);

import { createRoute } from "@hono/zod-openapi";
import { PageQuery } from "../../../schema/api/common.ts";
import { PostPage } from "../../../schema/api/posts.ts";
import type { PostId } from "../../../schema/ids.ts";
import { feedSkeleton, storedFeed } from "../../feeds/skeleton.ts";
import { postPage } from "./post-page.ts";
import { idOfCursor } from "../../http/cursors.ts";
import { json, refusals, routes, signedIn } from "../../http/routes.ts";
import { findViewer, probablePerson } from "../accounts/viewer.ts";

/** Finds out by itself who asks, in the call of the database that reads the feed: most of what a page of it costs. */
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
    const { reader } = c.var;
    const query = c.req.valid("query");
    // What is read for a session that then turns out to be over is thrown away.
    const expected = probablePerson(c);
    const first = { before: idOfCursor<PostId>(query.cursor), limit: query.limit + 1 };
    const begun = expected && storedFeed(reader, expected, first);
    begun?.catch(() => undefined); // Told below, if it matters.
    await findViewer(c);
    const { person } = signedIn(c);
    let stored = person === expected ? await begun : undefined;
    return postPage(c, query, (before, limit) => {
      const read = feedSkeleton(reader, person, { before, limit }, stored);
      stored = undefined; // Of the first page alone.
      return read;
    });
  },
);

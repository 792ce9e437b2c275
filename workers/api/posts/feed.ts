import { createRoute } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { PageQuery } from "../../../schema/api/common.ts";
import { PostPage } from "../../../schema/api/posts.ts";
import type { PersonId, PostId } from "../../../schema/ids.ts";
import { feedSkeleton, type StoredFeed, storedFeed } from "../../feeds/skeleton.ts";
import { type App, json, refusals, routes, requireViewer } from "../../http/routes.ts";
import { idOfCursor } from "../../http/cursors.ts";
import type { Reader } from "../../storage/reader.ts";
import { probablePerson } from "../accounts/viewer.ts";
import { postPage } from "./post-page.ts";

type FirstPage = { person: PersonId; stored: Promise<StoredFeed> };

/** The first page that `prefetchFeed` has begun to read, by the reader of its request. */
const firstPages = new WeakMap<Reader, FirstPage>();

/**
 * Begins to read the feed of the session's probable owner, so that it travels in the same D1 call as the session itself:
 * that call is most of the cost of a page. If it does not run, or the session turns out to be over, the route reads the page
 * itself.
 */
export const prefetchFeed = createMiddleware<App>(async (c, next) => {
  const person = probablePerson(c);
  const query = PageQuery.safeParse(c.req.query());
  if (c.req.method === "GET" && person && query.success) {
    const { cursor, limit } = query.data;
    const stored = storedFeed(c.var.reader, person, { before: idOfCursor<PostId>(cursor), limit: limit + 1 });
    stored.catch(() => undefined); // The route awaits it, if it uses it.
    firstPages.set(c.var.reader, { person, stored });
  }
  await next();
});

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
    const { person } = requireViewer(c);
    const first = firstPages.get(reader);
    let stored = first?.person === person ? await first.stored : undefined;
    return postPage(c, c.req.valid("query"), (before, limit) => {
      const read = feedSkeleton(reader, person, { before, limit }, stored);
      stored = undefined; // It holds the first page only.
      return read;
    });
  },
);

import type { Context } from "hono";
import type { PageQuery } from "../../schema/api/common.ts";
import type { PostPage } from "../../schema/api/posts.ts";
import type { PostId } from "../../schema/ids.ts";
import { idOfCursor, pageWithCursor } from "../api/cursors.ts";
import type { App } from "../api/routes.ts";
import { fullPage } from "./full-page.ts";
import { presentPosts, readerOf, type Skeleton } from "./posts.ts";

/** A page of posts, newest first: `skeleton` reads the ids of a list, at most `count` below `before`. */
export async function postPage(
  c: Context<App>,
  { cursor, limit }: PageQuery,
  skeleton: (before: PostId | undefined, count: number) => Promise<Skeleton>,
): Promise<PostPage> {
  const { items, next } = await fullPage({
    after: idOfCursor<PostId>(cursor),
    limit,
    read: skeleton,
    keyOf: ({ post }) => post,
    itemKey: ({ post }) => post,
    show: (rows) => presentPosts(c.env, c.executionCtx, readerOf(c), rows),
  });
  return pageWithCursor(items, next);
}

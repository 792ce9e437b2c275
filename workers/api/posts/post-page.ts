import type { Context, TypedResponse } from "hono";
import type { PageQuery } from "../../../schema/api/common.ts";
import type { Post, PostPage } from "../../../schema/api/posts.ts";
import type { PostId } from "../../../schema/ids.ts";
import { idOfCursor, pageWithCursor } from "../../http/cursors.ts";
import { etagOf, isMatch } from "../../http/etags.ts";
import type { App } from "../../http/routes.ts";
import { fullPage } from "../../reads/full-page.ts";
import { presentPosts, type Skeleton } from "../../reads/posts.ts";

/**
 * Responds with a page of posts, newest first. `skeleton` reads at most `count` entries of a list below `before`. A
 * client that already has this page gets a 304 before any JSON is written.
 */
export async function postPage(
  c: Context<App>,
  { cursor, limit }: PageQuery,
  skeleton: (before: PostId | undefined, count: number) => Promise<Skeleton>,
): Promise<Response & TypedResponse<PostPage, 200, "json">> {
  const { reader } = c.var;
  const { items, next } = await fullPage({
    after: idOfCursor<PostId>(cursor),
    limit,
    read: skeleton,
    keyOf: ({ post }) => post,
    itemKey: ({ post }) => post,
    show: (rows) => presentPosts(reader, rows),
  });
  const etag = etagOf([...items.flatMap(versionOf), next ?? ""]);
  // A 304 has no body, which the route's type cannot express.
  if (isMatch(c.req.raw.headers, etag)) return c.body(null, 304, { etag }) as never;
  return c.json(pageWithCursor(items, next), 200, { etag });
}

/** Returns all the parts of a presented post that can change. */
const versionOf = ({ id, seq, likes, comments, likedByMe, author, editedAt }: Post): string[] => [
  id,
  `${seq} ${likes} ${comments} ${likedByMe} ${editedAt}`,
  author.handle,
  author.name,
];

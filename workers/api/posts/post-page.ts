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
 * A page of posts, newest first: `skeleton` reads the ids of a list, at most `count` below `before`. A client that has the
 * very page is told so before it is written.
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
  // A 304 has no body, which the type of the route cannot say.
  if (isMatch(c.req.raw.headers, etag)) return c.body(null, 304, { etag }) as never;
  return c.json(pageWithCursor(items, next), 200, { etag });
}

/** All of a post that can change. */
const versionOf = ({ id, seq, likes, comments, likedByMe, author, editedAt }: Post): string[] => [
  id,
  `${seq} ${likes} ${comments} ${likedByMe} ${editedAt}`,
  author.handle,
  author.name,
];

/**
 * Read your own writes. A like or a comment is durable in its post's actor at once, and in D1 a moment later. Every
 * write answers with a `Consistency-Token`: the posts written last, each with the `seq` of the write. A reader that
 * sends it back gets those posts from their actors while D1 is behind.
 */
import type { Context } from "hono";
import { z } from "zod";
import { PostId } from "../../schema/ids.ts";

export const CONSISTENCY_TOKEN = "Consistency-Token";
/** More than a person writes to in the second that D1 is behind; it bounds the actor calls of one read. */
const POSTS_MAX = 8;
const BYTES_MAX = 1000;
const Written = z.array(z.tuple([PostId, z.number().int().nonnegative()])).max(POSTS_MAX);

/** The posts of the request's token, with the `seq` to be seen. Whatever is not a token of ours counts as none. */
export function written(c: Context): Map<PostId, number> {
  const token = c.req.header(CONSISTENCY_TOKEN);
  if (!token || token.length > BYTES_MAX) return new Map();
  try {
    return new Map(Written.parse(JSON.parse(atob(token))));
  } catch {
    return new Map();
  }
}

/** Answers with the request's token and this write, the newest first. */
export function answerWithToken(c: Context, post: PostId, seq: number): void {
  const posts = written(c);
  const newest = Math.max(seq, posts.get(post) ?? 0);
  posts.delete(post);
  const all = [[post, newest] as const, ...posts].slice(0, POSTS_MAX);
  c.header(CONSISTENCY_TOKEN, btoa(JSON.stringify(all)));
}

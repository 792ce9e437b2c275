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
const Written = z
  .array(
    z.union([
      z.tuple([PostId, z.number().int().nonnegative()]),
      z.tuple([PostId, z.number().int().nonnegative(), z.boolean()]),
    ]),
  )
  .max(POSTS_MAX);

/** An own write: at least this `seq` is to be seen. `liked` is what the last own like or unlike has left. */
export type OwnWrite = { seq: number; liked?: boolean | undefined };

/** The posts of the request's token. Whatever is not a token of ours counts as none. */
export function written(c: Context): Map<PostId, OwnWrite> {
  const token = c.req.header(CONSISTENCY_TOKEN);
  if (!token || token.length > BYTES_MAX) return new Map();
  try {
    return new Map(Written.parse(JSON.parse(atob(token))).map(([post, seq, liked]) => [post, { seq, liked }]));
  } catch {
    return new Map();
  }
}

/** Answers with the request's token and this write, the newest first. */
export function answerWithToken(c: Context, post: PostId, write: OwnWrite): void {
  const posts = written(c);
  const before = posts.get(post);
  posts.delete(post);
  const merged = { seq: Math.max(write.seq, before?.seq ?? 0), liked: write.liked ?? before?.liked };
  const all = [[post, merged] as const, ...posts].slice(0, POSTS_MAX);
  const entries = all.map(([id, { seq, liked }]) => (liked === undefined ? [id, seq] : [id, seq, liked]));
  c.header(CONSISTENCY_TOKEN, btoa(JSON.stringify(entries)));
}

/** Compares a post's actor with its projection: the counts, and by a digest the very set of people who like it. */
import type { PostState } from "../../durable-objects/post-actor.ts";
import type { Audit } from "../../schema/api/audit.ts";
import type { PostId } from "../../schema/ids.ts";
import { EMPTY, formatted, type SetHash, union } from "../../schema/set-hash.ts";
import { databases } from "../../schema/shards.ts";
import { postStats } from "../reads/documents.ts";

type Side = Audit["actor"];

/** Undefined for a post that does not exist. Two actor calls, two queries a database; nothing is written. */
export async function audit(env: Env, post: PostId): Promise<Audit | undefined> {
  const actor = env.POSTS.getByName(post);
  const before = await actor.state();
  if (!before.ok) return undefined;
  const projection = await projectionOf(env, post);
  const after = await actor.state();
  const isQuiet = before.confirmed === before.seq && after.ok && after.seq === before.seq;
  const expected = sideOf(before);
  return { verdict: isQuiet ? compare(expected, projection) : "behind", actor: expected, projection };
}

const sideOf = ({ likes, comments, seq, digest }: PostState): Side => ({ likes, likers: likes, comments, seq, digest });

const KEYS = ["likes", "likers", "comments", "seq", "digest"] as const;
const compare = (a: Side, b: Side) => (KEYS.every((key) => a[key] === b[key]) ? "equal" : "different");

async function projectionOf(env: Env, post: PostId): Promise<Side> {
  const [stats, parts] = await Promise.all([
    postStats(env, [post]),
    Promise.all(databases(env).map((database) => digestIn(database, post))),
  ]);
  const { likes = 0, comments = 0, seq = 0 } = stats.get(post) ?? {};
  const likers = parts.reduce((sum, part) => sum + part.likes, 0);
  return { likes, likers, comments, seq, digest: formatted(union(parts.map((part) => part.digest))) };
}

async function digestIn(database: D1Database, post: PostId): Promise<{ likes: number; digest: SetHash }> {
  const row = await database
    .prepare("SELECT likes, a, b, c FROM like_digests WHERE post = ?")
    .bind(post)
    .first<{ likes: number; a: number; b: number; c: number }>();
  return row ? { likes: row.likes, digest: [row.a, row.b, row.c] } : { likes: 0, digest: EMPTY };
}

/**
 * Compares a post's actor with its projection: the counts, the stored comments and likes behind them, and, by a digest,
 * the set of people who like it.
 */
import { aliasedTable, eq, sql } from "drizzle-orm";
import type { Database } from "../../schema/d1/database.ts";
import type { PostState } from "../../durable-objects/post/post-results.ts";
import type { Audit } from "../../schema/api/audit.ts";
import type { PostId } from "../../schema/ids.ts";
import { EMPTY, formatDigest, type SetHash, unionOfDigests } from "../../schema/set-hash.ts";
import { areShardsMoving, databaseOf, databases } from "../../schema/d1/shards.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import { comments, likeDigests } from "../../schema/tables/posts.ts";
import { freshStats } from "../reads/stored-posts.ts";
import { Reader } from "../storage/reader.ts";
import type { Background } from "../../schema/background.ts";

type Side = Audit["actor"];

const NOTHING_LATER: Background = { waitUntil: () => undefined };

/**
 * Audits one post; returns undefined if it does not exist. Costs two actor calls, one D1 query for the standing, one
 * for the digest in each database, and one that reads a row for each comment, unless there are more than `listedUpTo`.
 * Writes nothing.
 */
export async function audit(env: Env, post: PostId, listedUpTo = Number.POSITIVE_INFINITY): Promise<Audit | undefined> {
  const actor = env.POSTS.getByName(post);
  const before = await actor.state();
  if (!before.ok) return undefined;
  const isListed = before.comments <= listedUpTo;
  const projection = await projectionOf(env, post, isListed);
  const after = await actor.state();
  const isQuiet = before.confirmed === before.seq && after.ok && after.seq === before.seq;
  const expected = sideOf(before, isListed);
  const verdict = isQuiet ? compare(expected, projection) : "behind";
  // While shards move, a digest is in neither database for a moment, or in both.
  const isOnTheWay = verdict === "different" && areShardsMoving(env);
  return { verdict: isOnTheWay ? "behind" : verdict, actor: expected, projection };
}

const sideOf = ({ likes, comments, seq, digest }: PostState, isListed: boolean): Side => ({
  likes,
  likers: likes,
  comments,
  ...(isListed && { listed: comments }),
  seq,
  digest,
});

const KEYS = ["likes", "likers", "comments", "listed", "seq", "digest"] as const;
const compare = (a: Side, b: Side) => (KEYS.every((key) => a[key] === b[key]) ? "equal" : "different");

async function projectionOf(env: Env, post: PostId, isListed: boolean): Promise<Side> {
  const [stats, listed, parts] = await Promise.all([
    freshStats(new Reader(env, NOTHING_LATER), [post]),
    isListed ? listedIn(env, post) : undefined,
    Promise.all(databases(env).map((database) => digestIn(database, post))),
  ]);
  const { likes = 0, comments = 0, seq = 0 } = stats.get(post) ?? {};
  const likers = parts.reduce((sum, part) => sum + part.likes, 0);
  const digest = formatDigest(unionOfDigests(parts.map((part) => part.digest)));
  return { likes, likers, comments, ...(listed !== undefined && { listed }), seq, digest };
}

/**
 * Counts the visible comments in D1. A comment that only D1 has is in no stored count, and an actor that has lost its
 * newest rows would never send it again.
 */
async function listedIn(env: Env, post: PostId): Promise<number> {
  const row = await databaseOf(env, post).patient.first<{ listed: number }>(LISTED, post);
  return row?.listed ?? 0;
}

const SHOWN = literal("shown" satisfies (typeof comments.$inferSelect)["state"]);
const comment = aliasedTable(comments, "comment");
const top = aliasedTable(comments, "top");
const LISTED = textOf(sql`
  SELECT count(*) AS "listed" FROM ${comments} AS ${comment}
  WHERE ${comment.post} = ?1 AND ${comment.state} = ${SHOWN} AND (${comment.parent} = '' OR EXISTS (
    SELECT 1 FROM ${comments} AS ${top}
    WHERE ${top.post} = ?1 AND ${top.parent} = '' AND ${top.id} = ${comment.parent} AND ${top.state} = ${SHOWN}))`);

async function digestIn(database: Database, post: PostId): Promise<{ likes: number; digest: SetHash }> {
  const row = await database.patient.orm.select().from(likeDigests).where(eq(likeDigests.post, post)).get();
  return row ? { likes: row.likes, digest: [row.a, row.b, row.c] } : { likes: 0, digest: EMPTY };
}

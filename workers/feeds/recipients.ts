import { PARTS, type Parts } from "../../schema/messages/facts.ts";
import { LOGICAL_SHARDS, type PersonId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";

/** Somebody whom an author's post goes to. `bell`: they want to be told of it, as far as the author's shard knows. */
export type Recipient = { id: PersonId; bell: 0 | 1 };

export const SHARDS_PER_PART = LOGICAL_SHARDS / PARTS;

/** One page of those whom a message serves, by their shards. One D1 query in the author's database, which reads them alone. */
export async function recipientsOf(
  env: Env,
  author: PersonId,
  { first, end, after, bells }: Parts,
  limit: number,
): Promise<Recipient[]> {
  const from = after ? shardOf(after) : first * SHARDS_PER_PART;
  const page = await databaseOf(env, author)
    .prepare(bells ? BELLS : FOLLOWERS)
    .bind(author, from, after ?? "", end * SHARDS_PER_PART, limit)
    .all<Recipient>();
  return page.results;
}

const IN_ORDER = `
  followee = ?1 AND (follower_shard, follower) > (?2, ?3) AND follower_shard < ?4 AND active = 1
  ORDER BY follower_shard, follower LIMIT ?5`;

const FOLLOWERS = `SELECT follower AS id, bell FROM followers WHERE ${IN_ORDER}`;

const BELLS = `SELECT follower AS id, 1 AS bell FROM followers INDEXED BY followers_bell WHERE bell = 1 AND ${IN_ORDER}`;

/** SQL: how many followers of ?2 want to be told of each post, of whom no more than `most` are counted. */
export const bellsSql = (most: number): string => `(
  SELECT count(*) FROM (
    SELECT 1 FROM followers INDEXED BY followers_bell WHERE followee = ?2 AND bell = 1 AND active = 1 LIMIT ${most}))`;

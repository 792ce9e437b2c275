import { type SQL, sql } from "drizzle-orm";
import { FOLLOWER_PARTS, type FollowerRange } from "../../schema/messages/fan-out.ts";
import { LOGICAL_SHARDS, type PersonId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import { followers } from "../../schema/tables/people.ts";

/**
 * A person to whom an author's post is delivered. `bell` says whether they have a bell, as far as the author's shard
 * knows.
 */
export type Recipient = { id: PersonId; bell: 0 | 1 };

/** Logical shards in each of the FOLLOWER_PARTS equal parts. */
export const SHARDS_PER_PART = LOGICAL_SHARDS / FOLLOWER_PARTS;

/**
 * Returns the next page of recipients in a follower range, in the order of their shards. Costs one D1 query in the
 * author's database, which reads only the rows that it returns.
 */
export async function recipientsOf(
  env: Env,
  author: PersonId,
  range: FollowerRange,
  limit: number,
): Promise<Recipient[]> {
  const text = range.bells ? BELLS : FOLLOWERS;
  return databaseOf(env, author).patient.all<Recipient>(text, ...pageOf(author, range, limit));
}

/** The page ?1 to ?5 of an author's followers, in their order: the parameters of `recipientsOf`. */
const IN_ORDER = sql`
  ${followers.followee} = ?1 AND (${followers.followerShard}, ${followers.follower}) > (?2, ?3)
  AND ${followers.followerShard} < ?4 AND ${followers.active} = 1
  ORDER BY ${followers.followerShard}, ${followers.follower} LIMIT ?5`;

const FOLLOWERS = textOf(sql`
  SELECT ${followers.follower} AS "id", ${followers.bell} AS "bell" FROM ${followers} WHERE ${IN_ORDER}`);

const BELLS = textOf(sql`
  SELECT ${followers.follower} AS "id", 1 AS "bell" FROM ${followers} INDEXED BY followers_bell
  WHERE ${followers.bell} = 1 AND ${IN_ORDER}`);

/** SQL: the ids of a page of followers, for a statement in the author's database whose first parameters are `pageOf`. */
export const PAGE = sql`(SELECT ${followers.follower} AS id FROM ${followers} WHERE ${IN_ORDER})`;

/** Returns those of a page who have a bell, and, if the page is full, its last follower. Has the parameters `pageOf`. */
export const PAGE_MARKS = textOf(sql`
  SELECT id, bell, place = ?5 AS "isLast" FROM (
    SELECT ${followers.follower} AS id, ${followers.bell} AS bell, row_number() OVER () AS place
    FROM (SELECT * FROM ${followers} WHERE ${IN_ORDER}) AS ${followers})
  WHERE bell = 1 OR place = ?5`);
export type PageMark = Recipient & { isLast: 0 | 1 };

/** Returns the parameters ?1 to ?5 of a page. */
export function pageOf(author: PersonId, { first, end, after }: FollowerRange, limit: number) {
  const from = after ? shardOf(after) : first * SHARDS_PER_PART;
  return [author, from, after ?? "", end * SHARDS_PER_PART, limit] as const;
}

/** SQL: the number of followers of ?2 with a bell, counted up to `most`. */
export const bellCountSql = (most: number): SQL => sql`(
  SELECT count(*) FROM (
    SELECT 1 FROM ${followers} INDEXED BY followers_bell
    WHERE ${followers.followee} = ?2 AND ${followers.bell} = 1 AND ${followers.active} = 1 LIMIT ${literal(most)}))`;

/** Reads who follows whom. Lists are in the order of an index, so a page reads no rows but its own. */
import { sql } from "drizzle-orm";
import type { Profile } from "../../schema/api/people.ts";
import { AFTER_EVERY_ID, type PersonId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { mutes } from "../../schema/tables/notifications.ts";
import { blocks, followers, following } from "../../schema/tables/people.ts";
import type { Reader } from "../storage/reader.ts";
import { type Block, blockOf, type BlockRow, IS_BETWEEN, NO_BLOCK } from "./blocks.ts";

/** The viewer's relation to a person, and the blocks between them. */
export type Relation = Pick<Profile, "followedByMe" | "requestedByMe" | "bellByMe" | "mutedByMe"> & { block: Block };

/**
 * Returns the viewer's relation to a person, and the bookmark of the state that was read. Costs one D1 query, or nothing
 * for an anonymous viewer.
 */
export async function relationTo(reader: Reader, person: PersonId): Promise<Relation & { at: string | undefined }> {
  const viewer = reader.person;
  if (!viewer) return { ...NO_RELATION, at: undefined };
  const { rows, at } = await reader.replicaAt<RelationRow>(viewer, RELATION, viewer, person);
  const [row] = rows;
  if (!row) return { ...NO_RELATION, at };
  return {
    followedByMe: row.followedByMe === 1,
    requestedByMe: row.requestedByMe === 1,
    bellByMe: row.bellByMe === 1,
    mutedByMe: row.mutedByMe === 1,
    block: blockOf(row),
    at,
  };
}

const NO_RELATION: Relation = {
  followedByMe: false,
  requestedByMe: false,
  bellByMe: false,
  mutedByMe: false,
  block: NO_BLOCK,
};

type RelationRow = Record<keyof Omit<Relation, "block">, 0 | 1> & BlockRow;
const RELATION = textOf(sql`
  SELECT coalesce(max(${following.active}), 0) AS "followedByMe",
    coalesce(max(${following.requested}), 0) AS "requestedByMe",
    coalesce(max(${following.bell} AND ${following.active}), 0) AS "bellByMe",
    EXISTS (SELECT 1 FROM ${mutes} WHERE ${mutes.person} = ?1 AND ${mutes.other} = ?2) AS "mutedByMe",
    EXISTS (SELECT 1 FROM ${blocks} WHERE ${IS_BETWEEN} AND ${blocks.mine} = 1) AS "mine",
    EXISTS (SELECT 1 FROM ${blocks} WHERE ${IS_BETWEEN} AND ${blocks.theirs} = 1) AS "theirs"
  FROM ${following} WHERE ${following.follower} = ?1 AND ${following.followee} = ?2`);

/**
 * Returns those of `people` that the viewer follows; a pending request does not count. Costs one D1 query, or nothing
 * for an anonymous viewer or no people.
 */
export async function followedAmong(reader: Reader, people: ReadonlySet<PersonId>): Promise<Set<PersonId>> {
  if (!reader.person || people.size === 0) return new Set();
  const ids = JSON.stringify([...people]);
  const rows = await reader.replica<Followee>(reader.person, FOLLOWED_AMONG, reader.person, ids);
  return new Set(rows.map(({ followee }) => followee));
}

type Followee = Pick<typeof following.$inferSelect, "followee">;

const FOLLOWED_AMONG = textOf(sql`
  SELECT ${following.followee} FROM ${following}
  WHERE ${following.follower} = ?1 AND ${following.active} = 1
    AND ${following.followee} IN (SELECT value FROM json_each(?2))`);

/** Returns those of `people` that follow `person`. Costs one D1 query, or nothing for no people. */
export async function followersAmong(
  reader: Reader,
  person: PersonId,
  people: readonly PersonId[],
): Promise<Set<PersonId>> {
  if (people.length === 0) return new Set();
  const [shards, ids] = [JSON.stringify(people.map(shardOf)), JSON.stringify(people)];
  const rows = await reader.replica<Pick<FollowRequest, "follower">>(person, FOLLOWERS_AMONG, person, shards, ids);
  return new Set(rows.map(({ follower }) => follower));
}

// By all columns of the key, so that the followers of a famous person are not read.
const FOLLOWERS_AMONG = textOf(sql`
  SELECT ${followers.follower} FROM ${followers}
  WHERE ${followers.followee} = ?1 AND ${followers.active} = 1
    AND ${followers.followerShard} IN (SELECT value FROM json_each(?2))
    AND ${followers.follower} IN (SELECT value FROM json_each(?3))`);

/** A follow request, and its position in the list of them. */
export type FollowRequest = Pick<typeof followers.$inferSelect, "since" | "follower">;

/** Returns the pending follow requests to `person` below `before`, newest first. Costs one D1 query. */
export const requestsOf = (
  reader: Reader,
  person: PersonId,
  before: FollowRequest | undefined,
  limit: number,
): Promise<FollowRequest[]> =>
  reader.replica<FollowRequest>(
    person,
    REQUESTS,
    person,
    before?.since ?? Number.MAX_SAFE_INTEGER,
    before?.follower ?? "",
    limit,
  );

const REQUESTS = textOf(sql`
  SELECT ${followers.since}, ${followers.follower} FROM ${followers}
  WHERE ${followers.followee} = ?1 AND ${followers.pending} = 1
    AND (${followers.since}, ${followers.follower}) < (?2, ?3)
  ORDER BY ${followers.since} DESC, ${followers.follower} DESC LIMIT ?4`);

/**
 * Returns whether `follower` follows `person`, or will because their request was accepted; and whether `follower` has
 * blocked `person` (`theirs`). Costs one D1 query.
 */
export async function followerState(
  reader: Reader,
  person: PersonId,
  follower: PersonId,
): Promise<{ follows: boolean; theirs: boolean }> {
  const [row] = await reader.primary<{ follows: 0 | 1; theirs: 0 | 1 }>(
    person,
    FOLLOWER_STATE,
    person,
    shardOf(follower),
    follower,
  );
  return { follows: row?.follows === 1, theirs: row?.theirs === 1 };
}

const FOLLOWER_STATE = textOf(sql`
  SELECT EXISTS (
    SELECT 1 FROM ${followers}
    WHERE ${followers.followee} = ?1 AND ${followers.followerShard} = ?2 AND ${followers.follower} = ?3
      AND (${followers.active} = 1 OR (${followers.accepted} = 1 AND ${followers.answered} = ${followers.asked}))
  ) AS "follows",
  EXISTS (
    SELECT 1 FROM ${blocks} WHERE ${blocks.person} = ?1 AND ${blocks.other} = ?3 AND ${blocks.theirs} = 1
  ) AS "theirs"`);

/**
 * Returns up to `limit` followers of `person` after `after`, in the order of their shards, from the primary. For
 * background work. Costs one D1 query.
 */
export async function followersOf(
  env: Env,
  person: PersonId,
  after: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const page = await databaseOf(env, person).patient.all<Follower>(
    FOLLOWERS,
    person,
    after ? shardOf(after) : 0,
    after ?? "",
    limit,
  );
  return page.map(({ follower }) => follower);
}

type Follower = Pick<typeof followers.$inferSelect, "follower">;

const FOLLOWERS = textOf(sql`
  SELECT ${followers.follower} FROM ${followers}
  WHERE ${followers.followee} = ?1 AND (${followers.followerShard}, ${followers.follower}) > (?2, ?3)
    AND ${followers.active} = 1
  ORDER BY ${followers.followerShard}, ${followers.follower} LIMIT ?4`);

/** Returns `followersOf` from a replica, for a page of a list. */
export async function followerPage(
  reader: Reader,
  person: PersonId,
  after: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const key = [after ? shardOf(after) : 0, after ?? ""];
  const page = await reader.replica<Follower>(person, FOLLOWERS, person, ...key, limit);
  return page.map(({ follower }) => follower);
}

/** Returns the people that `person` follows, those who signed up last first. Costs one D1 query. */
export async function followedBy(
  reader: Reader,
  person: PersonId,
  before: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const page = await reader.replica<Followee>(person, FOLLOWED, person, before ?? AFTER_EVERY_ID, limit);
  return page.map(({ followee }) => followee);
}

const FOLLOWED = textOf(sql`
  SELECT ${following.followee} FROM ${following}
  WHERE ${following.follower} = ?1 AND ${following.active} = 1 AND ${following.followee} < ?2
  ORDER BY ${following.followee} DESC LIMIT ?3`);

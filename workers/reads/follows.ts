/** Reads who follows whom. Lists are in the order of an index, so a page reads no rows but its own. */
import type { Profile } from "../../schema/api/people.ts";
import { AFTER_EVERY_ID, type PersonId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import type { Reader } from "../storage/reader.ts";

/** The viewer's relation to a person. */
export type Relation = Pick<Profile, "followedByMe" | "requestedByMe" | "bellByMe" | "mutedByMe">;

/** Returns the viewer's relation to a person. Costs one D1 query, or nothing for an anonymous viewer. */
export async function relationTo(reader: Reader, person: PersonId): Promise<Relation> {
  const none = { followedByMe: false, requestedByMe: false, bellByMe: false, mutedByMe: false };
  if (!reader.person) return none;
  const [row] = await reader.primary<Record<keyof Relation, 0 | 1>>(reader.person, RELATION, reader.person, person);
  if (!row) return none;
  return {
    followedByMe: row.followedByMe === 1,
    requestedByMe: row.requestedByMe === 1,
    bellByMe: row.bellByMe === 1,
    mutedByMe: row.mutedByMe === 1,
  };
}

const RELATION = `
  SELECT coalesce(max(active), 0) AS followedByMe, coalesce(max(requested), 0) AS requestedByMe,
    coalesce(max(bell AND active), 0) AS bellByMe,
    EXISTS (SELECT 1 FROM mutes WHERE person = ?1 AND other = ?2) AS mutedByMe
  FROM following WHERE follower = ?1 AND followee = ?2`;

/**
 * Returns those of `people` that the viewer follows; a pending request does not count. Costs one D1 query, or nothing
 * for an anonymous viewer or no people.
 */
export async function followedAmong(reader: Reader, people: ReadonlySet<PersonId>): Promise<Set<PersonId>> {
  if (!reader.person || people.size === 0) return new Set();
  const ids = JSON.stringify([...people]);
  const rows = await reader.primary<{ followee: PersonId }>(reader.person, FOLLOWED_AMONG, reader.person, ids);
  return new Set(rows.map(({ followee }) => followee));
}

const FOLLOWED_AMONG = `
  SELECT followee FROM following
  WHERE follower = ?1 AND active = 1 AND followee IN (SELECT value FROM json_each(?2))`;

/** A follow request, and its position in the list of them. */
export type Request = { since: number; follower: PersonId };

/** Returns the pending follow requests to `person` below `before`, newest first. Costs one D1 query. */
export const requestsOf = (
  reader: Reader,
  person: PersonId,
  before: Request | undefined,
  limit: number,
): Promise<Request[]> =>
  reader.primary<Request>(
    person,
    REQUESTS,
    person,
    before?.since ?? Number.MAX_SAFE_INTEGER,
    before?.follower ?? "",
    limit,
  );

const REQUESTS = `
  SELECT since, follower FROM followers WHERE followee = ?1 AND pending = 1 AND (since, follower) < (?2, ?3)
  ORDER BY since DESC, follower DESC LIMIT ?4`;

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

const FOLLOWER_STATE = `
  SELECT EXISTS (
    SELECT 1 FROM followers WHERE followee = ?1 AND follower_shard = ?2 AND follower = ?3
    AND (active = 1 OR (accepted = 1 AND answered = asked))) AS follows,
  EXISTS (SELECT 1 FROM blocks WHERE person = ?1 AND other = ?3 AND theirs = 1) AS theirs`;

/**
 * Returns up to `limit` followers of `person` after `after`, in the order of their shards, from the primary. Costs one
 * D1 query.
 */
export async function followersOf(
  env: Env,
  person: PersonId,
  after: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const page = await databaseOf(env, person)
    .prepare(FOLLOWERS)
    .bind(person, after ? shardOf(after) : 0, after ?? "", limit)
    .all<{ follower: PersonId }>();
  return page.results.map(({ follower }) => follower);
}

const FOLLOWERS = `
  SELECT follower FROM followers WHERE followee = ?1 AND (follower_shard, follower) > (?2, ?3) AND active = 1
  ORDER BY follower_shard, follower LIMIT ?4`;

/** Returns `followersOf` from a replica, for a page of a list. */
export async function followerPage(
  reader: Reader,
  person: PersonId,
  after: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const key = [after ? shardOf(after) : 0, after ?? ""];
  const page = await reader.replica<{ follower: PersonId }>(person, FOLLOWERS, person, ...key, limit);
  return page.map(({ follower }) => follower);
}

/** Returns the people that `person` follows, those who signed up last first. Costs one D1 query. */
export async function followedBy(
  reader: Reader,
  person: PersonId,
  before: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const page = await reader.replica<{ followee: PersonId }>(person, FOLLOWED, person, before ?? AFTER_EVERY_ID, limit);
  return page.map(({ followee }) => followee);
}

const FOLLOWED = `
  SELECT followee FROM following WHERE follower = ?1 AND active = 1 AND followee < ?2 ORDER BY followee DESC LIMIT ?3`;

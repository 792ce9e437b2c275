/** Who follows whom. The lists are in the order of their primary keys, so a page reads its own rows and no more. */
import { AFTER_EVERY_ID, type PersonId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import type { Reader } from "./reader.ts";

/** Whether the reader follows `person`. One D1 query, none for nobody. */
export async function isFollowing(reader: Reader, person: PersonId): Promise<boolean> {
  if (!reader.person) return false;
  const rows = await reader.primary(reader.person, IS_FOLLOWING, reader.person, person);
  return rows.length > 0;
}

const IS_FOLLOWING = "SELECT 1 FROM following WHERE follower = ?1 AND followee = ?2 AND active = 1";

/** Whether the reader wants to be told of each new post of `person`. Costs what `isFollowing` does, in the same call. */
export async function hasBell(reader: Reader, person: PersonId): Promise<boolean> {
  if (!reader.person) return false;
  const rows = await reader.primary(reader.person, `${IS_FOLLOWING} AND bell = 1`, reader.person, person);
  return rows.length > 0;
}

/** Those who follow `person`, by their shards. One D1 query. */
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

/** The same, for a page of a list. */
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

/** Those whom `person` follows; whoever signed up last comes first. One D1 query. */
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

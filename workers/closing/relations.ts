/** Ends the relations of a closed account on both sides: the rows of others first, because its own rows find them. */
import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import { byDatabase, databaseOf } from "../../schema/d1/shards.ts";
import { bare, textOf } from "../../schema/d1/sql.ts";
import { type PersonId, shardOf } from "../../schema/ids.ts";
import { blocks, followers, following } from "../../schema/tables/people.ts";
import { leaveFeedStatements, refillsDueStatement, requestRefills } from "../feeds/refill.ts";
import { refreshFollowerStatements, uncountFollowerStatement } from "../notifications/follow-notifications.ts";
import { leaveStatements } from "./inboxes.ts";

const FOLLOWERS_PER_PAGE = 100;
/** Less, because each has statements of its own. */
const FOLLOWED_PER_PAGE = 20;
const BLOCKS_PER_PAGE = 500;

/**
 * Ends one page of the follows and requests of others, with the entries in their feeds and inboxes. Returns whether there
 * may be more. Costs one batch a database, which reads the feeds and inboxes of the page, and another one for refills that are due.
 */
export async function eraseFollowers(env: Env, person: PersonId): Promise<boolean> {
  const home = databaseOf(env, person).patient;
  const page = await home.all<{ other: PersonId }>(FOLLOWERS, person, FOLLOWERS_PER_PAGE);
  const others = page.map(({ other }) => other);
  if (others.length === 0) return false;
  const due = await Promise.all(
    [...byDatabase(env, others, (id) => id)].map(async ([database, group]) => {
      const ids = JSON.stringify(group);
      const results = await database.patient.batch<{ id: PersonId }>([
        statement(END_FOLLOWS, ids, person), // The triggers that count follows watch changes, not deletions.
        statement(DELETE_FOLLOWS, ids, person),
        ...leaveFeedStatements(group, person),
        ...leaveStatements(person, group),
        refillsDueStatement(group),
      ]);
      return results.at(-1)?.rows ?? [];
    }),
  );
  const readersDue = due.flat().map(({ id }) => id);
  await requestRefills(env, readersDue, { isSpread: true });
  await home.run(DELETE_FOLLOWERS, JSON.stringify(others), person);
  return true;
}

const FOLLOWERS = textOf(sql`
  SELECT ${followers.follower} AS "other" FROM ${followers} WHERE ${followers.followee} = ?1 LIMIT ?2`);
const END_FOLLOWS = textOf(sql`
  UPDATE ${following} SET ${bare(following.active)} = 0, ${bare(following.requested)} = 0, ${bare(following.bell)} = 0,
    ${bare(following.version)} = ${following.version} + 1
  WHERE ${following.follower} IN (SELECT value FROM json_each(?1)) AND ${following.followee} = ?2
    AND (${following.active} = 1 OR ${following.requested} = 1)`);
const DELETE_FOLLOWS = textOf(sql`
  DELETE FROM ${following}
  WHERE ${following.follower} IN (SELECT value FROM json_each(?1)) AND ${following.followee} = ?2`);
const DELETE_FOLLOWERS = textOf(sql`
  DELETE FROM ${followers}
  WHERE ${followers.followee} = ?2 AND ${followers.follower} IN (SELECT value FROM json_each(?1))`);

/**
 * Ends one page of the follows and requests of the person, with their part in the inboxes of the followed people.
 * Returns whether there may be more. Costs two queries, and one batch a database.
 */
export async function eraseFollowing(env: Env, person: PersonId): Promise<boolean> {
  const home = databaseOf(env, person).patient;
  const page = await home.all<{ other: PersonId }>(FOLLOWED, person, FOLLOWED_PER_PAGE);
  const others = page.map(({ other }) => other);
  await Promise.all(
    [...byDatabase(env, others, (id) => id)].map(([database, group]) =>
      database.patient.batch([
        ...group.flatMap((other) => [
          uncountFollowerStatement({ follower: person, followee: other }),
          statement(END_MIRROR, other, shardOf(person), person),
          statement(DELETE_MIRROR, other, shardOf(person), person),
          ...refreshFollowerStatements(other, null),
        ]),
        ...leaveStatements(person, group),
      ]),
    ),
  );
  if (others.length > 0) await home.run(DELETE_FOLLOWED, JSON.stringify(others), person);
  return others.length > 0;
}

const FOLLOWED = textOf(sql`
  SELECT ${following.followee} AS "other" FROM ${following} WHERE ${following.follower} = ?1 LIMIT ?2`);
const IS_MIRROR = sql`
  ${followers.followee} = ?1 AND ${followers.followerShard} = ?2 AND ${followers.follower} = ?3`;
const END_MIRROR = textOf(sql`
  UPDATE ${followers} SET ${bare(followers.active)} = 0, ${bare(followers.pending)} = 0 WHERE ${IS_MIRROR}`);
const DELETE_MIRROR = textOf(sql`DELETE FROM ${followers} WHERE ${IS_MIRROR}`);
const DELETE_FOLLOWED = textOf(sql`
  DELETE FROM ${following}
  WHERE ${following.follower} = ?2 AND ${following.followee} IN (SELECT value FROM json_each(?1))`);

/** Ends one page of blocks, made by either side. Returns whether there may be more. Costs two queries and one a database. */
export async function eraseBlocks(env: Env, person: PersonId): Promise<boolean> {
  const home = databaseOf(env, person).patient;
  const page = await home.all<{ other: PersonId }>(BLOCKS, person, BLOCKS_PER_PAGE);
  const others = page.map(({ other }) => other);
  await Promise.all(
    [...byDatabase(env, others, (id) => id)].map(([database, group]) =>
      database.patient.run(DELETE_THEIRS, JSON.stringify(group), person),
    ),
  );
  if (others.length > 0) await home.run(DELETE_OURS, JSON.stringify(others), person);
  return others.length > 0;
}

const BLOCKS = textOf(sql`SELECT ${blocks.other} AS "other" FROM ${blocks} WHERE ${blocks.person} = ?1 LIMIT ?2`);
const DELETE_THEIRS = textOf(sql`
  DELETE FROM ${blocks} WHERE ${blocks.person} IN (SELECT value FROM json_each(?1)) AND ${blocks.other} = ?2`);
const DELETE_OURS = textOf(sql`
  DELETE FROM ${blocks} WHERE ${blocks.person} = ?2 AND ${blocks.other} IN (SELECT value FROM json_each(?1))`);

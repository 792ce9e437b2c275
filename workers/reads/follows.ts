/** Who follows whom. The lists are in the order of their primary keys, so a page reads its own rows and no more. */
import { and, desc, eq, lt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { type PersonId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import { following } from "../../schema/tables/people.ts";

const { follower, followee, active } = following;

/** Whether `viewer` follows `person`. One D1 query, none for nobody. */
export async function isFollowing(env: Env, viewer: PersonId | undefined, person: PersonId): Promise<boolean> {
  if (!viewer) return false;
  const row = await drizzle(databaseOf(env, viewer))
    .select({ active })
    .from(following)
    .where(and(eq(follower, viewer), eq(followee, person)))
    .get();
  return row?.active ?? false;
}

/** Those who follow `person`, by their shards. One D1 query. */
export async function followersOf(
  env: Env,
  person: PersonId,
  after: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const page = await databaseOf(env, person)
    .prepare(
      `SELECT follower FROM followers WHERE followee = ?1 AND (follower_shard, follower) > (?2, ?3) AND active = 1
       ORDER BY follower_shard, follower LIMIT ?4`,
    )
    .bind(person, after ? shardOf(after) : -1, after ?? "", limit)
    .all<{ follower: PersonId }>();
  return page.results.map((row) => row.follower);
}

/** Those whom `person` follows; whoever signed up last comes first. One D1 query. */
export async function followedBy(
  env: Env,
  person: PersonId,
  after: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const page = await drizzle(databaseOf(env, person))
    .select({ followee })
    .from(following)
    .where(and(eq(follower, person), eq(active, true), after && lt(followee, after)))
    .orderBy(desc(followee))
    .limit(limit);
  return page.map((row) => row.followee);
}

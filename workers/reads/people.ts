import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Profile } from "../../schema/api/people.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf, shardOfHandle } from "../../schema/shards.ts";
import { people } from "../../schema/tables/people.ts";
import { ApiError } from "../api/errors.ts";
import type { Viewer } from "../api/routes.ts";
import { blockBetween, NO_BLOCK } from "./blocks.ts";

type PublicProfile = Omit<Profile, "followedByMe" | "blockedByMe">;

/** What a person's page shows to everybody. Names its columns, so that a column added later stays private. One D1 query. */
export const profileOf = (env: Env, person: PersonId): Promise<PublicProfile | undefined> => {
  const { id, handle, name, bio, posts, followers, following } = people;
  return drizzle(databaseOf(env, person))
    .select({ id, handle, name, bio, posts, followers, following })
    .from(people)
    .where(eq(id, person))
    .get();
};

/** The person a handle names. Two D1 queries, since handle and person live in shards of their own. */
export async function personByHandle(env: Env, handle: string): Promise<PersonId | undefined> {
  const person = await claimantOf(env, handle);
  return person && (await exists(env, person, handle)) ? person : undefined;
}

/**
 * The person a handle names, as `viewer` may know of them: whoever has blocked the viewer is as missing. Costs one D1
 * query more for who has a block.
 */
export async function personSeenBy(
  env: Env,
  viewer: Viewer | undefined,
  handle: string,
): Promise<{ person: PersonId; isBlocked: boolean }> {
  const person = await personByHandle(env, handle);
  const { mine, theirs } = person ? await blockBetween(env, viewer, person) : NO_BLOCK;
  if (!person || theirs) throw new ApiError("person_not_found");
  return { person, isBlocked: mine };
}

/** Whoever has claimed a handle, who may not exist (yet): see workers/api/sign-up.ts. One D1 query. */
export async function claimantOf(env: Env, handle: string): Promise<PersonId | undefined> {
  const row = await databaseOf(env, shardOfHandle(handle))
    .prepare("SELECT person FROM handles WHERE handle = ?")
    .bind(handle)
    .first<{ person: PersonId }>();
  return row?.person;
}

/** The handle is asked too, because the id of a claim without a person may by chance be that of somebody else. */
export async function exists(env: Env, person: PersonId, handle: string): Promise<boolean> {
  const row = await databaseOf(env, person)
    .prepare("SELECT 1 FROM people WHERE id = ? AND handle = ?")
    .bind(person, handle)
    .first();
  return row !== null;
}

import type { Me, Profile } from "../../schema/api/people.ts";
import type { PersonId } from "../../schema/ids.ts";
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import { databaseOf, shardOfHandle } from "../../schema/d1/shards.ts";
import { ApiError } from "../../schema/api/refusals.ts";
import { blockBetween, NO_BLOCK } from "./blocks.ts";
import { handles, personDocuments } from "./documents.ts";
import type { Reader } from "../storage/reader.ts";

type PublicProfile = Omit<Profile, "followedByMe" | "requestedByMe" | "bellByMe" | "mutedByMe" | "blockedByMe">;
type OwnProfile = PublicProfile & Pick<Me, "requests">;

/**
 * Returns what a person's page shows to everybody, or undefined when there is no such person. Lists its columns, so
 * that a column added later stays private. Costs one D1 query.
 */
export const profileOf = (reader: Reader, person: PersonId): Promise<PublicProfile | undefined> =>
  read<PublicProfile>(reader, person, `SELECT ${PROFILE} FROM people WHERE id = ?1`);

/** Returns `profileOf` plus the fields that only the person may see. Costs one D1 query. */
export const ownProfileOf = (reader: Reader, person: PersonId): Promise<OwnProfile | undefined> =>
  read<OwnProfile>(reader, person, `SELECT ${PROFILE}, requests FROM people WHERE id = ?1`);

const PROFILE = "id, handle, name, bio, posts, followers, following, private";

type Stored<Row> = Omit<Row, "private"> & { private: 0 | 1 };

async function read<Row extends PublicProfile>(
  reader: Reader,
  person: PersonId,
  sql: string,
): Promise<Row | undefined> {
  const [near] = await reader.replica<Stored<Row>>(person, sql, person);
  const row = near ?? (await reader.primary<Stored<Row>>(person, sql, person))[0];
  return row && ({ ...row, private: row.private === 1 } as Row);
}

/**
 * Returns the person a handle names and whether the viewer has blocked them. Throws `person_not_found` when there is no
 * such person or they have blocked the viewer. Costs nothing when handle and person are in memory; one D1 query more
 * for a viewer who has any block.
 */
export async function personSeenBy(reader: Reader, handle: string): Promise<{ person: PersonId; isBlocked: boolean }> {
  const claimant = (await handles.get(reader, [handle])).get(handle)?.person;
  const card = claimant && (await personDocuments.get(reader, [claimant])).get(claimant);
  // A claim may have no person yet, and its id may by chance be somebody else's.
  const person = card?.handle === handle ? card.id : undefined;
  if (claimant && !person) handles.drop(handle); // Somebody else may take over such a claim.
  reader.about = person;
  const { mine, theirs } = person ? await blockBetween(reader, person) : NO_BLOCK;
  if (!person || theirs) throw new ApiError("person_not_found");
  return { person, isBlocked: mine };
}

/**
 * Returns the person a handle names, read from the primary for a write. Costs two D1 queries: handle and person have
 * different shards.
 */
export const personByHandle = async (env: Env, handle: string): Promise<PersonId | undefined> =>
  (await standingByHandle(env, handle))?.person;

/** Returns `personByHandle` and whether that person is private, both as of now. Costs two D1 queries. */
export async function standingByHandle(
  env: Env,
  handle: string,
): Promise<{ person: PersonId; isPrivate: boolean } | undefined> {
  const person = await claimantOf(env, handle);
  const row = person && (await privacyOf(env, person, handle));
  return row ? { person, isPrivate: row.private === 1 } : undefined;
}

/**
 * Returns the id that has claimed a handle. Its person may not exist (yet): see workers/api/sign-up.ts. Costs one D1
 * query.
 */
export async function claimantOf(env: Env, handle: string): Promise<PersonId | undefined> {
  const claim = databaseOf(env, shardOfHandle(handle))
    .prepare("SELECT person FROM handles WHERE handle = ?")
    .bind(handle)
    .first<{ person: PersonId }>();
  return (await within(STORE_ANSWERS_WITHIN, claim, "D1"))?.person;
}

/** Returns whether `person` exists and has this handle. Costs one D1 query. */
export const exists = async (env: Env, person: PersonId, handle: string): Promise<boolean> =>
  (await privacyOf(env, person, handle)) !== null;

/** Compares the handle too, because the id of a claim without a person may by chance be somebody else's. */
function privacyOf(env: Env, person: PersonId, handle: string): Promise<{ private: 0 | 1 } | null> {
  const row = databaseOf(env, person)
    .prepare("SELECT private FROM people WHERE id = ? AND handle = ?")
    .bind(person, handle)
    .first<{ private: 0 | 1 }>();
  return within(STORE_ANSWERS_WITHIN, row, "D1");
}

import { and, eq, sql } from "drizzle-orm";
import type { Me, Profile } from "../../schema/api/people.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf, shardOfHandle } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { handles as handlesTable, people } from "../../schema/tables/people.ts";
import { Refusal } from "../../schema/api/refusals.ts";
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
  read<PublicProfile>(reader, person, PUBLIC_PROFILE);

/** Returns `profileOf` plus the fields that only the person may see. Costs one D1 query. */
export const ownProfileOf = (reader: Reader, person: PersonId): Promise<OwnProfile | undefined> =>
  read<OwnProfile>(reader, person, OWN_PROFILE);

const FIELDS = sql`${people.id}, ${people.handle}, ${people.name}, ${people.bio}, ${people.posts}, ${people.followers},
  ${people.following}, ${people.private}`;
const PUBLIC_PROFILE = textOf(sql`SELECT ${FIELDS} FROM ${people} WHERE ${people.id} = ?1`);
const OWN_PROFILE = textOf(sql`SELECT ${FIELDS}, ${people.requests} FROM ${people} WHERE ${people.id} = ?1`);

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
  if (!person || theirs) throw new Refusal("person_not_found");
  return { person, isBlocked: mine };
}

/**
 * Returns the person a handle names, read from the primary for a write. Costs two D1 queries: handle and person have
 * different shards.
 */
export const personByHandle = async (env: Env, handle: string): Promise<PersonId | undefined> =>
  (await personAndPrivacyByHandle(env, handle))?.person;

/** Returns `personByHandle` and whether that person is private, both as of now. Costs two D1 queries. */
export async function personAndPrivacyByHandle(
  env: Env,
  handle: string,
): Promise<{ person: PersonId; isPrivate: boolean } | undefined> {
  const person = await claimantOf(env, handle);
  const row = person && (await privacyOf(env, person, handle));
  return row ? { person, isPrivate: row.private } : undefined;
}

/**
 * Returns the id that has claimed a handle. Its person may not exist (yet): see workers/api/accounts/sign-up.ts. Costs one D1
 * query.
 */
export async function claimantOf(env: Env, handle: string): Promise<PersonId | undefined> {
  const [claim] = await databaseOf(env, shardOfHandle(handle))
    .orm.select({ person: handlesTable.person })
    .from(handlesTable)
    .where(eq(handlesTable.handle, handle));
  return claim?.person;
}

/** Returns whether `person` exists and has this handle. Costs one D1 query. */
export const personExists = async (env: Env, person: PersonId, handle: string): Promise<boolean> =>
  (await privacyOf(env, person, handle)) !== undefined;

/** Compares the handle too, because the id of a claim without a person may by chance be somebody else's. */
async function privacyOf(env: Env, person: PersonId, handle: string): Promise<{ private: boolean } | undefined> {
  const [row] = await databaseOf(env, person)
    .orm.select({ private: people.private })
    .from(people)
    .where(and(eq(people.id, person), eq(people.handle, handle)));
  return row;
}

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

/** What a person's page shows to everybody. Names its columns, so that a column added later stays private. One D1 query. */
export const profileOf = (reader: Reader, person: PersonId): Promise<PublicProfile | undefined> =>
  read<PublicProfile>(reader, person, `SELECT ${PROFILE} FROM people WHERE id = ?1`);

/** As `profileOf`, and what only the person is to know. */
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
 * The person a handle names, as the reader may know of them: whoever has blocked the reader is as missing. Costs nothing
 * when both are in memory; one D1 query for who has a block.
 */
export async function personSeenBy(reader: Reader, handle: string): Promise<{ person: PersonId; isBlocked: boolean }> {
  const claimant = (await handles.get(reader, [handle])).get(handle)?.person;
  const card = claimant && (await personDocuments.get(reader, [claimant])).get(claimant);
  // A claim may be without its person, and its id by chance that of somebody else.
  const person = card?.handle === handle ? card.id : undefined;
  if (claimant && !person) handles.drop(handle); // Somebody else may take such a claim over.
  reader.about = person;
  const { mine, theirs } = person ? await blockBetween(reader, person) : NO_BLOCK;
  if (!person || theirs) throw new ApiError("person_not_found");
  return { person, isBlocked: mine };
}

/** The person a handle names, for who writes. Two D1 queries, since handle and person live in shards of their own. */
export const personByHandle = async (env: Env, handle: string): Promise<PersonId | undefined> =>
  (await standingByHandle(env, handle))?.person;

/** The same, and whether they are private, as it is now. */
export async function standingByHandle(
  env: Env,
  handle: string,
): Promise<{ person: PersonId; isPrivate: boolean } | undefined> {
  const person = await claimantOf(env, handle);
  const row = person && (await standingOf(env, person, handle));
  return row ? { person, isPrivate: row.private === 1 } : undefined;
}

/** Whoever has claimed a handle, who may not exist (yet): see workers/api/sign-up.ts. One D1 query. */
export async function claimantOf(env: Env, handle: string): Promise<PersonId | undefined> {
  const asked = databaseOf(env, shardOfHandle(handle))
    .prepare("SELECT person FROM handles WHERE handle = ?")
    .bind(handle)
    .first<{ person: PersonId }>();
  return (await within(STORE_ANSWERS_WITHIN, asked, "D1"))?.person;
}

export const exists = async (env: Env, person: PersonId, handle: string): Promise<boolean> =>
  (await standingOf(env, person, handle)) !== null;

/** The handle is asked too, because the id of a claim without a person may by chance be that of somebody else. */
function standingOf(env: Env, person: PersonId, handle: string): Promise<{ private: 0 | 1 } | null> {
  const asked = databaseOf(env, person)
    .prepare("SELECT private FROM people WHERE id = ? AND handle = ?")
    .bind(person, handle)
    .first<{ private: 0 | 1 }>();
  return within(STORE_ANSWERS_WITHIN, asked, "D1");
}

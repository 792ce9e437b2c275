import { eq, sql } from "drizzle-orm";
import type { Me, PersonCard, Profile } from "../../schema/api/people.ts";
import type { PersonId } from "../../schema/ids.ts";
import { CARD_COLUMNS, type CardRow } from "../../schema/d1/person-cards.ts";
import { bindingOf, databaseOf, shardOfHandle } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { closings } from "../../schema/tables/closings.ts";
import { handles as handlesTable, people } from "../../schema/tables/people.ts";
import { FOREVER } from "../../schema/moderation.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import { type Audience, type ExclusionMarks, includes } from "../../schema/viewing.ts";
import { BLOCK_BETWEEN, blockOf, type BlockRow } from "./blocks.ts";
import {
  AUDIENCE_COLUMNS,
  audienceOf,
  type AudienceRow,
  audiences,
  HANDLE,
  type HandleClaim,
  handles,
  personDocuments,
} from "./documents.ts";
import { relationTo } from "./follows.ts";
import { sightFor } from "./visibility.ts";
import type { Reader } from "../storage/reader.ts";

type PublicProfile = Omit<Profile, "followedByMe" | "requestedByMe" | "bellByMe" | "mutedByMe" | "blockedByMe">;
type OwnProfile = PublicProfile & Pick<Me, "requests" | "role">;

/**
 * Returns a person's page as the viewer sees it. Throws `person_not_found` when there is no such person or they have
 * blocked the viewer. Costs one D1 query when the handle is in memory, and one more for a signed-in viewer, both at once.
 */
export async function profileSeenBy(reader: Reader, handle: string): Promise<Profile> {
  const person = await claimantSeenBy(reader, handle);
  reader.about = person;
  const [profile, near] = await Promise.all([
    read<PublicProfile>(reader, person, PUBLIC_PROFILE),
    relationTo(reader, person),
  ]);
  // The person of a claim may not exist, and its id may by chance be someone else's.
  if (!profile || !(await leadsTo(reader, handle, profile))) {
    handles.drop(handle); // Someone else may take such a claim over.
    throw new Refusal("person_not_found");
  }
  const { isBarred, marks, ...shown } = profile;
  if (isBarred && !(await seesBarred(reader, person))) throw new Refusal("person_not_found");
  const relation = await relationAsNewAs(reader, person, near, marks);
  const { at: _, block, ...mine } = relation;
  if (block.theirs && !(await reader.isModerator())) throw new Refusal("person_not_found");
  return { ...shown, ...mine, blockedByMe: block.mine };
}

/**
 * Whether a handle leads to a person: it is theirs, or it was and is still reserved for them. Their own may also be so new
 * that what is known about them is older. Costs one D1 query, of the primary, for a former handle that is not in memory.
 */
export async function leadsTo(
  { env }: Reader,
  handle: string,
  { id, handle: current }: Pick<PersonCard, "id" | "handle">,
): Promise<boolean> {
  if (current === handle) return true;
  const isReserved = (claim: HandleClaim | undefined) => claim?.person === id && (claim.until ?? 0) > Date.now();
  if (isReserved(handles.remembered([handle]).get(handle))) return true;
  const claim = await databaseOf(env, shardOfHandle(handle)).first<HandleClaim>(HANDLE, handle);
  if (claim) handles.learn(handle, claim);
  return isReserved(claim);
}

/**
 * Returns the handle that the person has to whom a handle leads, for a transaction that compares it. Costs nothing, or one
 * D1 query of the primary for a handle that is a former one or an hour old.
 */
export async function presentHandleOf({ env }: Reader, handle: string): Promise<string> {
  const claim = handles.remembered([handle]).get(handle);
  if (!claim || (claim.until ?? 0) <= Date.now()) return handle;
  const row = await databaseOf(env, claim.person).first<{ handle: string }>(PRESENT_HANDLE, claim.person);
  return row?.handle ?? handle;
}

const PRESENT_HANDLE = textOf(sql`SELECT ${people.handle} FROM ${people} WHERE ${people.id} = ?1`);

/** Whether the viewer sees a person whose account a moderator has closed: themselves, and moderators. */
const seesBarred = async (reader: Reader, person: PersonId): Promise<boolean> =>
  reader.person === person || (await reader.isModerator());

type Near = Awaited<ReturnType<typeof relationTo>>;

/** Reads the relation again if it is older than the marks of the person. */
async function relationAsNewAs(reader: Reader, person: PersonId, near: Near, marks: ExclusionMarks): Promise<Near> {
  if (reader.person === undefined) return near;
  const binding = bindingOf(reader.env, reader.person);
  const mark = marks[binding];
  if (mark === undefined || includes(near.at, mark)) return near;
  reader.seen.reached(binding, mark);
  return relationTo(reader, person);
}

/** Returns the viewer's own profile, with the fields that only they may see. Costs one D1 query. */
export async function ownProfileOf(
  reader: Reader,
  person: PersonId,
): Promise<(OwnProfile & Pick<Me, "suspended">) | undefined> {
  const profile = await read<OwnProfile & { suspendedUntil: number }>(reader, person, OWN_PROFILE);
  if (!profile) return undefined;
  const { isBarred: _, marks: __, suspendedUntil, ...shown } = profile;
  if (suspendedUntil <= Date.now()) return shown;
  const until = suspendedUntil === FOREVER ? null : new Date(suspendedUntil).toISOString();
  return { ...shown, suspended: { until } };
}

// Lists its columns, so that a column added later stays private.
const FIELDS = sql`${CARD_COLUMNS}, ${people.bio}, ${people.posts}, ${people.followers},
  ${people.following}, ${AUDIENCE_COLUMNS}`;
const PUBLIC_PROFILE = textOf(sql`SELECT ${FIELDS} FROM ${people} WHERE ${people.id} = ?1`);
const OWN_PROFILE = textOf(sql`SELECT ${FIELDS}, ${people.requests}, ${people.role},
  ${people.suspendedUntil} AS "suspendedUntil" FROM ${people} WHERE ${people.id} = ?1`);

type Stored<Row> = Omit<Row, "private" | "picture"> & Pick<CardRow, "picture"> & AudienceRow;

async function read<Row extends PublicProfile>(
  reader: Reader,
  person: PersonId,
  sql: string,
): Promise<(Row & Pick<Audience, "isBarred" | "marks">) | undefined> {
  const [near] = await reader.replica<Stored<Row>>(person, sql, person);
  const row = near ?? (await reader.primary<Stored<Row>>(person, sql, person))[0];
  if (!row) return undefined;
  const { isPrivate, isBarred, marks, picture, ...fields } = row;
  const audience = audienceOf({ isPrivate, isBarred, marks });
  const shown = {
    ...fields,
    ...(picture !== null && { picture }),
    private: audience.isPrivate,
    isBarred: audience.isBarred,
    marks: audience.marks,
  };
  return shown as unknown as Row & Pick<Audience, "isBarred" | "marks">;
}

/** A person as the viewer sees them: whether the viewer has blocked them, or may not see their posts. */
export type SeenPerson = { person: PersonId; isBlocked: boolean; isHidden: boolean };

/**
 * Returns the id that has claimed a handle, for a read. Throws `person_not_found` if none has. The person may not exist:
 * see `seenPerson`. Costs nothing when the handle is in memory.
 */
export async function claimantSeenBy(reader: Reader, handle: string): Promise<PersonId> {
  const person = (await handles.get(reader, [handle])).get(handle)?.person;
  if (!person) throw new Refusal("person_not_found");
  return person;
}

/**
 * Returns the person who has claimed `handle`, as the viewer sees them. Throws `person_not_found` when there is no such
 * person or they have blocked the viewer. Costs one D1 query unless the person was looked up in the last second, and one
 * more for a private person or a viewer who has any block.
 */
export async function seenPerson(reader: Reader, claimant: PersonId, handle: string): Promise<SeenPerson> {
  const [cards, known] = await Promise.all([
    personDocuments.get(reader, [claimant]),
    audiences.get(reader, [claimant]),
  ]);
  const audience = known.get(claimant);
  // A claim may have no person yet, and its id may by chance be somebody else's.
  const card = cards.get(claimant);
  const person = card && (await leadsTo(reader, handle, card)) ? claimant : undefined;
  if (!person || !audience) {
    handles.drop(handle); // Somebody else may take over such a claim.
    throw new Refusal("person_not_found");
  }
  if (audience.isBarred && !(await seesBarred(reader, person))) throw new Refusal("person_not_found");
  reader.about = person;
  const { viewer, isModerator, blocked, followed } = await sightFor(reader, [{ author: person, audience }]);
  const isBlocked = blocked.has(person) && !isModerator;
  if (isBlocked && viewer !== undefined) {
    const [row] = await reader.replica<BlockRow>(viewer, BLOCK_BETWEEN, viewer, person);
    if (blockOf(row).theirs) throw new Refusal("person_not_found");
  }
  return { person, isBlocked, isHidden: audience.isPrivate && person !== viewer && !followed.has(person) };
}

/**
 * Returns the person a handle names, for a write whose transaction decides everything else. Costs nothing when they are
 * in memory, otherwise two D1 queries one after the other: handle and person have different shards.
 */
export async function personByHandle(reader: Reader, handle: string): Promise<PersonId | undefined> {
  reader.readForWrite();
  const claimant = (await handles.get(reader, [handle])).get(handle)?.person;
  const card = claimant && (await personDocuments.get(reader, [claimant])).get(claimant);
  const isTheirs = card !== undefined && (await leadsTo(reader, handle, card));
  if (!isTheirs) handles.drop(handle);
  return isTheirs ? claimant : undefined;
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

/**
 * Returns whether `person` exists and has this handle, or had it when they closed their account and it is still
 * reserved. Compares the handle too, because the id of a claim without a person may by chance be somebody else's. Costs
 * one D1 query.
 */
export async function personExists(env: Env, person: PersonId, handle: string): Promise<boolean> {
  return (await databaseOf(env, person).first(EXISTS, person, handle)) !== undefined;
}

const EXISTS = textOf(sql`
  SELECT 1 FROM ${people} WHERE ${people.id} = ?1 AND ${people.handle} = ?2
  UNION ALL SELECT 1 FROM ${closings} WHERE ${closings.person} = ?1 AND ${closings.handle} = ?2`);

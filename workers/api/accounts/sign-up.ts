/**
 * Creates a person. A handle is unique because its row is unique (in the shard of its hash), but the person lives in a
 * shard of their own, and no transaction spans the two. So the handle is claimed first, for the id of a person who does
 * not exist yet; then the person is written, within CREATE_WITHIN of the claim. A claim that is older than CLAIM_LASTS
 * and has no person never gets one, so the next sign-up with the handle takes it over. The time of a claim is in the
 * person's id.
 */
import { and, eq, sql } from "drizzle-orm";
import { statement } from "../../../schema/d1/database.ts";
import type { PersonCard } from "../../../schema/api/people.ts";
import { newId, type PersonId, randomShard, timeOf } from "../../../schema/ids.ts";
import { isMovingError } from "../../../schema/d1/shard-sql.ts";
import { areShardsMoving, databaseOf, shardOfHandle } from "../../../schema/d1/shards.ts";
import { list, textOf } from "../../../schema/d1/sql.ts";
import { credentials, handles, people } from "../../../schema/tables/people.ts";
import { today } from "../../feeds/dormant.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { personExists } from "../../reads/people.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { beginSql } from "../sessions/begin-session.ts";
import { type Origin, UNKNOWN_ORIGIN } from "../sessions/devices.ts";
import { claimSkeleton } from "../../names/lookalikes.ts";
import { newSession } from "../sessions/tokens.ts";

/** Both in ms. The 30 s between them cover clock differences between a Worker and D1. */
export const CREATE_WITHIN = 30_000;
export const CLAIM_LASTS = 60_000;
const TRIES = 3;

/** `passwordHash` is made before the claim of the handle, because time is short after it. */
type NewPerson = { handle: string; name: string; passwordHash: string };

/**
 * Signs up and in, or throws `handle_taken`. Costs one D1 query for the claim, one batch for that of its skeleton, and one
 * batch of three rows.
 */
export async function signUp(
  env: Env,
  asked: NewPerson,
  origin = UNKNOWN_ORIGIN,
): Promise<{ person: PersonCard; token: string }> {
  let moving: unknown;
  for (let tried = 0; tried < TRIES; tried += 1) {
    const person: PersonCard = { id: await claimHandle(env, asked.handle), handle: asked.handle, name: asked.name };
    try {
      await claimSkeleton(env, person.handle, person.id, CLAIM_LASTS);
      const token = await createPerson(env, person, asked.passwordHash, origin);
      if (token) return { person, token };
    } catch (error) {
      if (error instanceof Refusal) await release(env, person);
      if (!isMovingError(error)) throw error;
      moving = error; // Certainly nothing was written, and the next try draws another shard.
    }
    await release(env, person);
  }
  if (moving !== undefined) throw moving;
  throw new Error(`no person could be written within ${CREATE_WITHIN} ms of ${TRIES} claims`);
}

/** Claims a handle for a new person and returns their id, or throws `handle_taken`. */
export async function claimHandle(env: Env, handle: string, now = Date.now()): Promise<PersonId> {
  const person = newId<PersonId>(randomShard(), now);
  await claimHandleFor(env, { handle, person, until: null }, now);
  return person;
}

/**
 * Claims a handle that nobody has, or throws `handle_taken`. One that still belongs to the same person is theirs again.
 * Costs one D1 query, and up to three more if somebody has claimed it before.
 */
export async function claimHandleFor(env: Env, claimed: typeof handles.$inferSelect, now = Date.now()): Promise<void> {
  const { handle, person, until } = claimed;
  const { orm } = databaseOf(env, shardOfHandle(handle));
  const claim = await orm.insert(handles).values(claimed).onConflictDoNothing();
  if (claim.meta.changes > 0) return;

  const row = await orm.select().from(handles).where(eq(handles.handle, handle)).get();
  const before = row?.person;
  const isReserved = row !== undefined && row.until !== null && row.until > now;
  if (before === person) {
    await orm.update(handles).set({ until }).where(isClaim(handle, person));
    return;
  }
  const isOver = before !== undefined && !isReserved && now - timeOf(before) > CLAIM_LASTS;
  // The age is taken first: only a person who is absent after the last moment of creation stays absent.
  const isAbsent = before && (isOver || areShardsMoving(env)) && !(await personExists(env, before, handle));
  if (isAbsent && isOver) {
    const takeover = await orm.update(handles).set({ person, until }).where(isClaim(handle, before));
    if (takeover.meta.changes > 0) return;
  }
  // A sign-up that was refused because its shard is moving may not have been able to give the claim back.
  if (isAbsent && !isOver && !isReserved) throw new Refusal("unavailable");
  throw new Refusal("handle_taken");
}

const isClaim = (handle: string, person: PersonId) => and(eq(handles.handle, handle), eq(handles.person, person));

/**
 * Writes a person whose handle is claimed, with a session, and returns the token. Returns undefined, and writes
 * nothing, if the deadline has passed or the id is taken.
 */
export async function createPerson(
  env: Env,
  person: PersonCard,
  passwordHash: string,
  { device, place }: Origin = UNKNOWN_ORIGIN,
): Promise<string | undefined> {
  const database = databaseOf(env, person.id);
  const deadline = timeOf(person.id) + CREATE_WITHIN;
  return withFreshIds(async () => {
    const { token, row } = await newSession(env, person.id);
    const [created] = await database.batch([
      // Uses D1's own clock, since a batch may be delayed on its way. The rest is written only with the person.
      statement(CREATE, person.id, person.handle, person.name, deadline, today()),
      statement(SET_PASSWORD, person.id, person.handle, passwordHash),
      statement(
        BEGIN_SESSION,
        person.id,
        person.handle,
        row.id,
        row.secretHash,
        row.expiresAt,
        row.usedAt,
        device,
        place,
      ),
    ]);
    return created && created.changes > 0 ? token : undefined;
  });
}

const CREATE = textOf(sql`
  INSERT INTO ${people} (${list(people.id, people.handle, people.name, people.seenDay)}) SELECT ?1, ?2, ?3, ?5
  WHERE unixepoch('subsec') * 1000 <= ?4 ON CONFLICT DO NOTHING`);
const IS_CREATED = sql`EXISTS (SELECT 1 FROM ${people} WHERE ${people.id} = ?1 AND ${people.handle} = ?2)`;
const SET_PASSWORD = textOf(sql`
  INSERT INTO ${credentials} (${list(credentials.person, credentials.password)}) SELECT ?1, ?3 WHERE ${IS_CREATED}`);
const BEGIN_SESSION = beginSql(sql`SELECT ?3, ?1, ?4, ?5, ?6, ?7, ?8 WHERE ${IS_CREATED}`);

/** Gives a claim back. Safe at once, because only the claimant could create the person. */
async function release(env: Env, { handle, id }: PersonCard): Promise<void> {
  await databaseOf(env, shardOfHandle(handle)).orm.delete(handles).where(isClaim(handle, id));
}

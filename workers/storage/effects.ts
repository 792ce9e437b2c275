/**
 * Effects: what must still follow from a committed row, such as the mirror of a follow in another shard or the
 * inspection of an upload. An effect is committed in the same D1 batch as its row, sent to its queue at once, and
 * deleted when done; cron sends the unfinished ones again. So no write depends on a queue, and a queue may lose
 * messages without harm.
 */
import { eq, sql } from "drizzle-orm";
import { statement, type Statement, type Database } from "../../schema/d1/database.ts";
import { newId, type EffectId, type Id, shardOf } from "../../schema/ids.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import { Effect } from "../../schema/messages/effects.ts";
import { isWritableSql } from "../../schema/d1/shard-sql.ts";
import { byDatabase, databaseOf, databases } from "../../schema/d1/shards.ts";
import { bare, list, textOf } from "../../schema/d1/sql.ts";
import { effects } from "../../schema/tables/people.ts";
import { logError, logWarning } from "../../schema/log.ts";

/** How long an effect may take before it is sent again, in ms: 15 s, doubling with each attempt up to an hour. */
const RETRY_AFTER = 15_000;
const RETRY_AT_MOST = 3_600_000;
const RESENT_PER_SWEEP = 100; // The limit of one sendBatch.
/** An effect that was sent this often, which takes over half a day, is stuck and needs the operator. */
const STUCK_FROM = 20;
/** Bounds the rows that counting reads. */
const COUNTED_UP_TO = 10_000;

type Unsaved<T> = T extends unknown ? Omit<T, "id"> : never;

/**
 * Returns an effect with an id in the shard of the row `key`. Put `saveEffect` into the D1 batch that writes the row,
 * then call `sendEffect`.
 */
export const newEffect = <E extends Unsaved<Effect>>(key: Id, effect: E): E & { id: EffectId } => ({
  ...effect,
  id: newId<EffectId>(shardOf(key)),
});

/** Returns the statement that saves an effect. */
export const saveEffect = (effect: Effect, now = Date.now()): Statement => statement(SAVE, ...valuesOf(effect, now));

/**
 * Like `saveEffect`, but saves only if `condition` (SQL on the same database) holds: no change, no effect. The condition
 * reads its `values` from ?4 on.
 */
export const saveEffectIf = (
  effect: Effect,
  condition: string,
  values: readonly string[],
  now = Date.now(),
): Statement => statement(`${SAVE_IF} ${condition}`, ...valuesOf(effect, now), ...values);

/**
 * Like `saveEffectIf`, and stores in its field `name` the result of the expression `value`, which reads `values` too. The
 * effect that is sent lacks the field, so its consumer must read the stored one.
 */
export const saveEffectWith = (
  effect: Effect,
  { name, value }: { name: string; value: string },
  condition: string,
  values: readonly string[],
  now = Date.now(),
): Statement =>
  statement(
    `${SAVE_WITH} json_set(?2, '$.${name}', ${value}), ?3 WHERE ${condition}`,
    ...valuesOf(effect, now),
    ...values,
  );

const valuesOf = (effect: Effect, now: number) => [effect.id, JSON.stringify(effect), now + RETRY_AFTER];

const COLUMNS = list(effects.id, effects.body, effects.dueAt);
const SAVE = textOf(sql`INSERT INTO ${effects} (${COLUMNS}) VALUES (?1, ?2, ?3)`);
const SAVE_WITH = textOf(sql`INSERT INTO ${effects} (${COLUMNS}) SELECT ?1,`);
const SAVE_IF = textOf(sql`INSERT INTO ${effects} (${COLUMNS}) SELECT ?1, ?2, ?3 WHERE`);

/**
 * Sends an effect to its queue, which holds it back for `delaySeconds`. Never fails, because cron resends an effect that
 * could not be sent.
 */
export async function sendEffect(env: Env, effect: Effect, delaySeconds = 0): Promise<void> {
  try {
    await within(STORE_TIMEOUT, queueOf(env, effect).send(effect, { delaySeconds }), "the queue of effects");
  } catch (error) {
    logWarning("effect not sent, cron will", { id: effect.id, error: String(error) });
  }
}

/**
 * Saves the progress of an effect of many steps in its body, then sends it again. Does not restore one that is done.
 */
export async function continueEffect(env: Env, effect: Effect, now = Date.now()): Promise<void> {
  const { orm } = databaseOf(env, effect.id).patient;
  await orm
    .update(effects)
    .set({ body: effect, dueAt: now + RETRY_AFTER })
    .where(eq(effects.id, effect.id));
  await sendEffect(env, effect);
}

/**
 * Saves the progress of an effect that takes over `others` of the same shard, and deletes those, in one transaction. Then
 * sends it again. Does not restore one that is done.
 */
export async function replaceEffects(
  env: Env,
  effect: Effect,
  others: readonly EffectId[],
  now = Date.now(),
): Promise<void> {
  await databaseOf(env, effect.id).patient.batch([
    statement(PROGRESS, ...valuesOf(effect, now)),
    statement(DELETE_DONE, JSON.stringify(others)),
  ]);
  await sendEffect(env, effect);
}

const PROGRESS = textOf(sql`
  UPDATE ${effects} SET ${bare(effects.body)} = ?2, ${bare(effects.dueAt)} = ?3 WHERE ${effects.id} = ?1`);

/** Deletes an effect that is done, in one transaction with its last statements in the same database. */
export async function deleteEffect(env: Env, id: EffectId, last: readonly Statement[] = []): Promise<void> {
  await databaseOf(env, id).patient.batch([...last, deleteEffectStatement(id)]);
}

/** The statement that deletes an effect, for a batch in its database. */
export const deleteEffectStatement = (id: EffectId): Statement => statement(DELETE, id);

const DELETE = textOf(sql`DELETE FROM ${effects} WHERE ${effects.id} = ?1`);

/** Deletes effects that are done. Costs one query a database. */
export async function deleteEffects(env: Env, ids: readonly EffectId[]): Promise<void> {
  const deleted = [...byDatabase(env, ids, (id) => id)].map(([database, own]) =>
    database.patient.run(DELETE_DONE, JSON.stringify(own)),
  );
  await Promise.all(deleted);
}

const DELETE_DONE = textOf(sql`DELETE FROM ${effects} WHERE ${effects.id} IN (SELECT value FROM json_each(?1))`);

/** Sends due effects, up to RESENT_PER_SWEEP for each database, and postpones them. Returns how many were due. */
export async function resendEffects(env: Env, now = Date.now()): Promise<number> {
  let resent = 0;
  for (const database of databases(env)) {
    const due = await database.patient.all<{ body: string }>(
      POSTPONE,
      now,
      RETRY_AFTER,
      RETRY_AT_MOST,
      RESENT_PER_SWEEP,
    );
    for (const { body } of due) {
      const effect = Effect.safeParse(JSON.parse(body));
      if (effect.success) await sendEffect(env, effect.data);
      else logError("unknown kind of effect, perhaps of a newer version", { body });
    }
    resent += due.length;
  }
  return resent;
}

const IS_WRITABLE = isWritableSql(effects.id);
const POSTPONE = textOf(sql`
  UPDATE ${effects} SET ${bare(effects.attempts)} = ${effects.attempts} + 1,
    ${bare(effects.dueAt)} = ?1 + min(?2 << min(${effects.attempts} + 1, 16), ?3)
  WHERE ${effects.id} IN (SELECT ${effects.id} FROM ${effects} WHERE ${effects.dueAt} <= ?1 AND ${IS_WRITABLE} LIMIT ?4)
  RETURNING ${bare(effects.body)}`);

export type WaitingEffects = { waiting: number; oldest: EffectId | null; mostAttempts: number; stuck: number };

/**
 * Counts the effects of a database, up to the oldest COUNTED_UP_TO. A healthy database has those of the last second.
 * Costs one query that reads each counted row.
 */
export async function waitingEffects(database: Database): Promise<WaitingEffects> {
  const found = await database.first<WaitingEffects>(COUNT_WAITING, STUCK_FROM, COUNTED_UP_TO);
  return found ?? { waiting: 0, oldest: null, mostAttempts: 0, stuck: 0 };
}

const COUNT_WAITING = textOf(sql`
  SELECT count(*) AS "waiting", min(id) AS "oldest", coalesce(max(attempts), 0) AS "mostAttempts",
    coalesce(sum(attempts >= ?1), 0) AS "stuck"
  FROM (
    SELECT ${effects.id} AS id, ${effects.attempts} AS attempts
    FROM ${effects} WHERE ${IS_WRITABLE} ORDER BY ${effects.id} LIMIT ?2)`);

function queueOf(env: Env, effect: Effect): Queue {
  if (effect.kind !== "inspect") return env.EFFECTS;
  return effect.video ? env.VIDEO_INSPECTIONS : env.INSPECTIONS;
}

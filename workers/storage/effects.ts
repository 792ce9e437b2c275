/**
 * Effects: what must still follow from a committed row, such as the mirror of a follow in another shard or the
 * inspection of an upload. An effect is committed in the same D1 batch as its row, sent to its queue at once, and
 * deleted when done; cron sends the unfinished ones again. So no write depends on a queue, and a queue may lose
 * messages without harm.
 */
import { statement, type Statement, type Database } from "../../schema/d1/database.ts";
import { newId, type EffectId, type Id, shardOf } from "../../schema/ids.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import { Effect } from "../../schema/messages/effects.ts";
import { isWritableSql } from "../../schema/d1/shard-sql.ts";
import { databaseOf, databases } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { effects } from "../../schema/tables/people.ts";

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
export const saveEffect = (effect: Effect, now = Date.now()): Statement =>
  statement(
    "INSERT INTO effects (id, body, due_at) VALUES (?, ?, ?)",
    effect.id,
    JSON.stringify(effect),
    now + RETRY_AFTER,
  );

/** Like `saveEffect`, but saves only if `condition` (SQL on the same database) holds: no change, no effect. */
export const saveEffectIf = (
  effect: Effect,
  condition: string,
  values: readonly string[],
  now = Date.now(),
): Statement =>
  statement(
    `INSERT INTO effects (id, body, due_at) SELECT ?1, ?2, ?3 WHERE ${condition}`,
    effect.id,
    JSON.stringify(effect),
    now + RETRY_AFTER,
    ...values,
  );

/** Sends an effect to its queue. Never fails, because cron resends an effect that could not be sent. */
export async function sendEffect(env: Env, effect: Effect): Promise<void> {
  try {
    await within(STORE_TIMEOUT, queueOf(env, effect).send(effect), "the queue of effects");
  } catch (error) {
    console.warn("effect not sent, cron will", { id: effect.id, error: String(error) });
  }
}

/**
 * Saves the progress of an effect of many steps in its body, then sends it again. Does not restore one that is done.
 */
export async function continueEffect(env: Env, effect: Effect, now = Date.now()): Promise<void> {
  await databaseOf(env, effect.id).patient.run(
    "UPDATE effects SET body = ?2, due_at = ?3 WHERE id = ?1",
    effect.id,
    JSON.stringify(effect),
    now + RETRY_AFTER,
  );
  await sendEffect(env, effect);
}

/** Deletes an effect that is done. */
export async function deleteEffect(env: Env, id: EffectId): Promise<void> {
  await databaseOf(env, id).patient.run("DELETE FROM effects WHERE id = ?", id);
}

/** Sends due effects, up to RESENT_PER_SWEEP for each database, and postpones them. Returns how many were due. */
export async function resendEffects(env: Env, now = Date.now()): Promise<number> {
  let resent = 0;
  for (const database of databases(env)) {
    const due = await database.patient.all<{ body: string }>(
      `UPDATE effects SET attempts = attempts + 1, due_at = ?1 + min(?2 << min(attempts + 1, 16), ?3)
         WHERE id IN (SELECT id FROM effects WHERE due_at <= ?1 AND ${textOf(isWritableSql(effects.id))} LIMIT ?4) RETURNING body`,
      now,
      RETRY_AFTER,
      RETRY_AT_MOST,
      RESENT_PER_SWEEP,
    );
    for (const { body } of due) {
      const effect = Effect.safeParse(JSON.parse(body));
      if (effect.success) await sendEffect(env, effect.data);
      else console.error("unknown kind of effect, perhaps of a newer version", { body });
    }
    resent += due.length;
  }
  return resent;
}

export type WaitingEffects = { waiting: number; oldest: EffectId | null; mostAttempts: number; stuck: number };

/**
 * Counts the effects of a database, up to the oldest COUNTED_UP_TO. A healthy database has those of the last second.
 * Costs one query that reads each counted row.
 */
export async function waitingEffects(database: Database): Promise<WaitingEffects> {
  const found = await database.patient.first<WaitingEffects>(
    `SELECT count(*) AS waiting, min(id) AS oldest, coalesce(max(attempts), 0) AS mostAttempts,
         coalesce(sum(attempts >= ?1), 0) AS stuck
       FROM (SELECT id, attempts FROM effects WHERE ${textOf(isWritableSql(effects.id))} ORDER BY id LIMIT ?2)`,
    STUCK_FROM,
    COUNTED_UP_TO,
  );
  return found ?? { waiting: 0, oldest: null, mostAttempts: 0, stuck: 0 };
}

function queueOf(env: Env, effect: Effect): Queue {
  if (effect.kind !== "inspect") return env.EFFECTS;
  return effect.video ? env.VIDEO_INSPECTIONS : env.INSPECTIONS;
}

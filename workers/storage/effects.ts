/**
 * What must still follow from a committed row: the mirror of a follow in another shard, the inspection of an upload. An
 * effect is committed in the same D1 batch as its row, sent to its queue at once, deleted when done, and sent again by
 * cron when it was not. So no write depends on a queue, and a queue that loses everything loses nothing.
 */
import { newId, type EffectId, type Id, shardOf } from "../../schema/ids.ts";
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import { Effect } from "../../schema/messages/facts.ts";
import { isOpenSql } from "../../schema/d1/shard-sql.ts";
import { databaseOf, databases } from "../../schema/d1/shards.ts";

/** How long an effect may take before it is sent again: 15 s, doubling with each attempt up to an hour. */
const RETRY_AFTER = 15_000;
const RETRY_AT_MOST = 3_600_000;
const RESENT_PER_SWEEP = 100; // The most messages of one sendBatch.
/** What was sent so often, over half a day, waits for the operator. */
const STUCK_FROM = 20;
/** Bounds what it costs to look at them. */
const COUNTED_UP_TO = 10_000;

type Unsaved<T> = T extends unknown ? Omit<T, "id"> : never;

/** An effect that lives beside the row `key`. Give `saveEffect` to the D1 batch that writes the row, then call `sendEffect`. */
export const newEffect = <E extends Unsaved<Effect>>(key: Id, effect: E): E & { id: EffectId } => ({
  ...effect,
  id: newId<EffectId>(shardOf(key)),
});

export const saveEffect = (env: Env, effect: Effect, now = Date.now()): D1PreparedStatement =>
  databaseOf(env, effect.id)
    .prepare("INSERT INTO effects (id, body, due_at) VALUES (?, ?, ?)")
    .bind(effect.id, JSON.stringify(effect), now + RETRY_AFTER);

/** As `saveEffect`, but only if `condition` (SQL over the same database) holds: what changes nothing has no effect. */
export const saveEffectIf = (
  env: Env,
  effect: Effect,
  condition: string,
  values: readonly string[],
  now = Date.now(),
): D1PreparedStatement =>
  databaseOf(env, effect.id)
    .prepare(`INSERT INTO effects (id, body, due_at) SELECT ?1, ?2, ?3 WHERE ${condition}`)
    .bind(effect.id, JSON.stringify(effect), now + RETRY_AFTER, ...values);

/** Never fails: an effect that could not be sent is swept up by cron. */
export async function sendEffect(env: Env, effect: Effect): Promise<void> {
  try {
    await within(STORE_ANSWERS_WITHIN, queueOf(env, effect).send(effect), "the queue of effects");
  } catch (error) {
    console.warn("effect not sent, cron will", { id: effect.id, error: String(error) });
  }
}

/** Keeps how far an effect of many steps has come, in its body, then sends it on. Of one that is done it keeps nothing. */
export async function effectGoesOn(env: Env, effect: Effect, now = Date.now()): Promise<void> {
  await databaseOf(env, effect.id)
    .prepare("UPDATE effects SET body = ?2, due_at = ?3 WHERE id = ?1")
    .bind(effect.id, JSON.stringify(effect), now + RETRY_AFTER)
    .run();
  await sendEffect(env, effect);
}

export async function effectDone(env: Env, id: EffectId): Promise<void> {
  await databaseOf(env, id).prepare("DELETE FROM effects WHERE id = ?").bind(id).run();
}

/** Sends every effect whose time has passed, and gives it a later one. Returns how many. */
export async function resendEffects(env: Env, now = Date.now()): Promise<number> {
  let resent = 0;
  for (const database of databases(env)) {
    const due = await database
      .prepare(
        `UPDATE effects SET attempts = attempts + 1, due_at = ?1 + min(?2 << min(attempts + 1, 16), ?3)
         WHERE id IN (SELECT id FROM effects WHERE due_at <= ?1 AND ${isOpenSql("id")} LIMIT ?4) RETURNING body`,
      )
      .bind(now, RETRY_AFTER, RETRY_AT_MOST, RESENT_PER_SWEEP)
      .all<{ body: string }>();
    for (const { body } of due.results) {
      const effect = Effect.safeParse(JSON.parse(body));
      if (effect.success) await sendEffect(env, effect.data);
      else console.error("effect of a kind that this version does not know", { body });
    }
    resent += due.results.length;
  }
  return resent;
}

export type WaitingEffects = { waiting: number; oldest: EffectId | null; mostAttempts: number; stuck: number };

/** The oldest effects of a database, up to COUNTED_UP_TO, a healthy one's last second among them. One query, as many rows. */
export async function waitingEffects(database: D1Database): Promise<WaitingEffects> {
  const found = await database
    .prepare(
      `SELECT count(*) AS waiting, min(id) AS oldest, coalesce(max(attempts), 0) AS mostAttempts,
         coalesce(sum(attempts >= ?1), 0) AS stuck
       FROM (SELECT id, attempts FROM effects WHERE ${isOpenSql("id")} ORDER BY id LIMIT ?2)`,
    )
    .bind(STUCK_FROM, COUNTED_UP_TO)
    .first<WaitingEffects>();
  return found ?? { waiting: 0, oldest: null, mostAttempts: 0, stuck: 0 };
}

function queueOf(env: Env, effect: Effect): Queue {
  if (effect.kind !== "inspect") return env.EFFECTS;
  return effect.video ? env.VIDEO_INSPECTIONS : env.INSPECTIONS;
}

/**
 * Dead letters: messages that failed for good, kept with their reason until the operator replays or discards them. Most
 * are wake-ups for something that is stored and sent again anyway, so repeats share one row for each queue and subject,
 * with a count.
 */
import { and, desc, eq, getTableColumns, lt, lte, sql } from "drizzle-orm";
import { statement, Database } from "../../schema/d1/database.ts";
import { DEAD_LETTERS, DeadLetter } from "../../schema/messages/dead-letters.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import { bare, list, textOf } from "../../schema/d1/sql.ts";
import { deadLetters } from "../../schema/tables/operations.ts";
import { logError, logWarning } from "../../schema/log.ts";
import { backOff } from "./back-off.ts";
import { originOf, QUEUES } from "./queues.ts";

/** A message that has failed this often becomes a dead letter. `max_retries` in wrangler.toml is one less. */
export const ATTEMPTS_MAX = 6;
/** Beyond this number the oldest are dropped and logged. */
export const DEAD_LETTERS_MAX = 10_000;
/** Characters of a stored reason. */
const REASON_MAX = 2000;
/**
 * In seconds. The queue's 100 retries with this delay last longer than the 4 days for which a queue keeps a message.
 */
const BACK_OFF_AT_MOST = 3600;
/** A replayed dead letter that does not fail again is deleted after a day, in ms. */
const REPLAYED_KEPT = 24 * 3_600_000;

type Death = Omit<DeadLetter["died"], "reason"> & { reason: string | null };

/**
 * Stores a dead letter in D1 or, while D1 fails, in the dead letter queue, which retries for days. Rejects when both
 * fail: the caller must not acknowledge the message then.
 */
export async function keepDeadLetter(env: Env, letter: DeadLetter): Promise<void> {
  const { queue, attempts, reason } = letter.died;
  logError("message failed for good, stored as a dead letter", {
    queue,
    attempts,
    reason: reason.slice(0, REASON_MAX),
  });
  try {
    await store(env, letter.body, letter.died);
  } catch (error) {
    logWarning("dead letter not stored in D1, sending it to its queue", { queue, error: String(error) });
    await within(STORE_TIMEOUT, env.DEAD_LETTERS.send(letter), "the queue of dead letters");
  }
}

/**
 * The safety net of the other consumers. A message with a `died` field is one that D1 could not store at the time. A
 * bare body was moved here by the platform, which gives no reason: its consumer crashed, or ran out of time or memory.
 */
export async function consumeDeadLetters(batch: MessageBatch, env: Env): Promise<void> {
  for (const message of batch.messages) {
    const { data: letter } = DeadLetter.safeParse(message.body);
    try {
      if (letter) await store(env, letter.body, letter.died);
      else await store(env, message.body, unexplained(message.body));
      message.ack();
    } catch (error) {
      const { id, attempts } = message;
      logError("dead letter not stored, will retry", { id, attempts, error: String(error) });
      message.retry({ delaySeconds: backOff(attempts, BACK_OFF_AT_MOST) });
    }
  }
}

const unexplained = (body: unknown): Death => ({
  queue: originOf(body) ?? DEAD_LETTERS,
  reason: null,
  attempts: ATTEMPTS_MAX,
  at: Date.now(),
});

/**
 * Stores a dead letter, or counts it in the row of its subject. Costs one batch. A message delivered twice counts
 * twice.
 */
async function store(env: Env, body: unknown, death: Death): Promise<void> {
  const { queue, attempts, at } = death;
  const text = JSON.stringify(body ?? null);
  const bytes = new TextEncoder().encode(text);
  const subject = QUEUES.get(queue)?.subjectOf(body) ?? (await hashOf(bytes));
  const reason = death.reason?.slice(0, REASON_MAX) ?? null;
  const values = [queue, subject, reason, attempts, at, bytes.length, text];
  const batch = [statement(FOLD, ...values), statement(ADD, ...values), statement(DROP_OLDEST, DEAD_LETTERS_MAX)];
  // Gives up sooner than other background work, because the queue can take the dead letter instead.
  const written = await within(STORE_TIMEOUT, Database.of(env.DB).patient.batch(batch), "D1");
  const dropped = written[2]?.changes ?? 0;
  if (dropped > 0) logError("oldest dead letters dropped", { dropped, kept: DEAD_LETTERS_MAX });
}

async function hashOf(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

// Not an upsert, which would use up an AUTOINCREMENT id even when it only updates: DROP_OLDEST counts by ids.
const IS_SAME = sql`${deadLetters.queue} = ?1 AND ${deadLetters.subject} = ?2`;
const FOLD = textOf(sql`
  UPDATE ${deadLetters} SET
    ${bare(deadLetters.reason)} = coalesce(?3, ${deadLetters.reason}), ${bare(deadLetters.attempts)} = ?4,
    ${bare(deadLetters.deaths)} = ${deadLetters.deaths} + 1, ${bare(deadLetters.lastAt)} = ?5,
    ${bare(deadLetters.replayedAt)} = NULL, ${bare(deadLetters.bytes)} = ?6, ${bare(deadLetters.body)} = ?7
  WHERE ${IS_SAME}`);

const NEW_COLUMNS = list(
  deadLetters.queue,
  deadLetters.subject,
  deadLetters.reason,
  deadLetters.attempts,
  deadLetters.deaths,
  deadLetters.replays,
  deadLetters.firstAt,
  deadLetters.lastAt,
  deadLetters.bytes,
  deadLetters.body,
);
const ADD = textOf(sql`
  INSERT INTO ${deadLetters} (${NEW_COLUMNS})
  SELECT ?1, ?2, ?3, ?4, 1, 0, ?5, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM ${deadLetters} WHERE ${IS_SAME})`);

const DROP_OLDEST = textOf(sql`
  DELETE FROM ${deadLetters} WHERE ${deadLetters.id} <= (SELECT max(${deadLetters.id}) FROM ${deadLetters}) - ?1`);

/** A dead letter without its body. Times are in ms since 1970. */
export type LetterRow = Omit<typeof deadLetters.$inferSelect, "body">;

const { body: _, ...WITHOUT_BODY } = getTableColumns(deadLetters);

/** `before` is the id of the last dead letter of the previous page. */
export type LetterFilter = { queue?: string | undefined; replayed: boolean; before?: number | undefined };

/**
 * Returns a page of dead letters, newest first by their first death. Costs one query, which may scan all rows but no
 * bodies.
 */
export async function listDeadLetters(env: Env, filter: LetterFilter, limit: number): Promise<LetterRow[]> {
  const { queue, replayed, before } = filter;
  return Database.of(env.DB)
    .orm.select(WITHOUT_BODY)
    .from(deadLetters)
    .where(
      and(
        lt(deadLetters.id, before ?? Number.MAX_SAFE_INTEGER),
        // Conditions that no index serves, so that SQLite walks back over the ids and stops at the limit.
        sql`(${queue ?? null} IS NULL OR ${deadLetters.queue} = ${queue ?? null})`,
        sql`(${deadLetters.replayedAt} IS NOT NULL) = ${Number(replayed)}`,
      ),
    )
    .orderBy(desc(deadLetters.id))
    .limit(limit);
}

/** Returns one dead letter with its body (JSON), or undefined. */
export const deadLetter = (env: Env, id: number): Promise<typeof deadLetters.$inferSelect | undefined> =>
  Database.of(env.DB).orm.select().from(deadLetters).where(eq(deadLetters.id, id)).get();

/** Deletes one dead letter, if it is still there. */
export async function discard(env: Env, id: number): Promise<void> {
  await Database.of(env.DB).orm.delete(deadLetters).where(eq(deadLetters.id, id));
}

/**
 * Counts each queue's dead letters that wait for the operator, and those that were replayed. Reads all rows but no
 * bodies.
 */
export const deadLetterCounts = (env: Env): Promise<{ queue: string; waiting: number; replayed: number }[]> =>
  Database.of(env.DB).all(COUNTS);

const COUNTS = textOf(sql`
  SELECT ${deadLetters.queue}, sum(${deadLetters.replayedAt} IS NULL) AS "waiting",
    sum(${deadLetters.replayedAt} IS NOT NULL) AS "replayed"
  FROM ${deadLetters} GROUP BY ${deadLetters.queue}`);

/** Deletes dead letters that were replayed more than a day ago. */
export async function forgetReplayed(env: Env, now = Date.now()): Promise<void> {
  const { orm } = Database.of(env.DB).patient;
  await orm.delete(deadLetters).where(lte(deadLetters.replayedAt, now - REPLAYED_KEPT));
}

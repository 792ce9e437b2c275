/**
 * Dead letters: messages that failed for good, kept with their reason until the operator replays or discards them. Most
 * are wake-ups for something that is stored and sent again anyway, so repeats share one row for each queue and subject,
 * with a count.
 */
import { statement, Database } from "../../schema/d1/database.ts";
import { DEAD_LETTERS, DeadLetter } from "../../schema/messages/dead-letters.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
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
  console.error("message given up on", { queue, attempts, reason: reason.slice(0, REASON_MAX) });
  try {
    await store(env, letter.body, letter.died);
  } catch (error) {
    console.warn("dead letter not stored in D1, sending it to its queue", { queue, error: String(error) });
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
      console.error("dead letter not stored, will retry", { id, attempts, error: String(error) });
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
  const written = Database.of(env.DB).patient.batch([
    statement(FOLD, ...values),
    statement(ADD, ...values),
    statement(DROP_OLDEST, DEAD_LETTERS_MAX),
  ]);
  const dropped = (await within(STORE_TIMEOUT, written, "D1"))[2]?.changes ?? 0;
  if (dropped > 0) console.error("oldest dead letters dropped", { dropped, kept: DEAD_LETTERS_MAX });
}

async function hashOf(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

// Not an upsert, which would use up an AUTOINCREMENT id even when it only updates: DROP_OLDEST counts by ids.
const FOLD = `
  UPDATE dead_letters SET reason = coalesce(?3, reason), attempts = ?4, deaths = deaths + 1, last_at = ?5,
    replayed_at = NULL, bytes = ?6, body = ?7
  WHERE queue = ?1 AND subject = ?2`;

const ADD = `
  INSERT INTO dead_letters (queue, subject, reason, attempts, deaths, replays, first_at, last_at, bytes, body)
  SELECT ?1, ?2, ?3, ?4, 1, 0, ?5, ?5, ?6, ?7
  WHERE NOT EXISTS (SELECT 1 FROM dead_letters WHERE queue = ?1 AND subject = ?2)`;

const DROP_OLDEST = "DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - ?1";

/** A dead letter without its body. Times are in ms since 1970. */
export type LetterRow = {
  id: number;
  queue: string;
  subject: string;
  reason: string | null;
  attempts: number;
  deaths: number;
  replays: number;
  first_at: number;
  last_at: number;
  replayed_at: number | null;
  bytes: number;
};

const COLUMNS = "id, queue, subject, reason, attempts, deaths, replays, first_at, last_at, replayed_at, bytes";

/** `before` is the id of the last dead letter of the previous page. */
export type LetterFilter = { queue?: string | undefined; replayed: boolean; before?: number | undefined };

/**
 * Returns a page of dead letters, newest first by their first death. Costs one query, which may scan all rows but no
 * bodies.
 */
export async function deadLetters(env: Env, filter: LetterFilter, limit: number): Promise<LetterRow[]> {
  const { queue, replayed, before } = filter;
  const results = await Database.of(env.DB).patient.all<LetterRow>(
    `SELECT ${COLUMNS} FROM dead_letters
     WHERE id < ?1 AND (?2 IS NULL OR queue = ?2) AND (replayed_at IS NOT NULL) = ?3 ORDER BY id DESC LIMIT ?4`,
    before ?? Number.MAX_SAFE_INTEGER,
    queue ?? null,
    Number(replayed),
    limit,
  );
  return results;
}

/** Returns one dead letter with its body (JSON), or undefined. */
export const deadLetter = (env: Env, id: number): Promise<(LetterRow & { body: string }) | undefined> =>
  Database.of(env.DB).patient.first(`SELECT ${COLUMNS}, body FROM dead_letters WHERE id = ?`, id);

/** Deletes one dead letter, if it is still there. */
export async function discard(env: Env, id: number): Promise<void> {
  await Database.of(env.DB).patient.run("DELETE FROM dead_letters WHERE id = ?", id);
}

/**
 * Counts each queue's dead letters that wait for the operator, and those that were replayed. Reads all rows but no
 * bodies.
 */
export async function deadLetterCounts(env: Env) {
  const results = await Database.of(env.DB).patient.all<{ queue: string; waiting: number; replayed: number }>(
    "SELECT queue, sum(replayed_at IS NULL) AS waiting, sum(replayed_at IS NOT NULL) AS replayed FROM dead_letters GROUP BY queue",
  );
  return results;
}

/** Deletes dead letters that were replayed more than a day ago. */
export async function forgetReplayed(env: Env, now = Date.now()): Promise<void> {
  await Database.of(env.DB).patient.run("DELETE FROM dead_letters WHERE replayed_at <= ?", now - REPLAYED_KEPT);
}

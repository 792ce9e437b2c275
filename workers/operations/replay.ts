/**
 * Sends dead letters to their queues again. A dead letter counts as replayed once its queue has accepted it. Replaying
 * one twice delivers it twice, which consumers tolerate; one whose queue does not respond keeps waiting.
 */
import { sql } from "drizzle-orm";
import { statement, Database } from "../../schema/d1/database.ts";
import { REPLAYED_MAX } from "../../schema/api/dead-letters.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import { bare, list, rowsOf, textOf } from "../../schema/d1/sql.ts";
import { deadLetters } from "../../schema/tables/operations.ts";
import { type KnownQueue, QUEUES } from "./queues.ts";

/** The most bytes of bodies in one `sendBatch`. The platform allows 256 kB, and counts more than the bodies. */
const BYTES_PER_SEND = 200_000;

type Letter = Pick<typeof deadLetters.$inferSelect, "id" | "queue" | "bytes">;

/** Ids of dead letters. `unknown` are those whose queue is not known. */
export type Replayed = { replayed: number[]; unknown: number[] };

/**
 * Replays the dead letters with these ids, whether replayed before or not; absent ones are skipped. Costs a query, and
 * 2 queries and a send for each queue and 200 kB.
 */
export async function replay(env: Env, ids: readonly number[]): Promise<Replayed> {
  return send(env, await Database.of(env.DB).all<Letter>(BY_IDS, JSON.stringify(ids)));
}

/**
 * Replays a page of the waiting dead letters, by ascending id from `after` on. `upTo` is the newest id when the first
 * page was read, so that the pages end even if more dead letters arrive meanwhile. `next` is absent on the last page.
 */
export async function replayFrom(
  env: Env,
  queue: string | undefined,
  { after, upTo }: { after: number; upTo?: number },
): Promise<Replayed & { next?: { after: number; upTo: number } }> {
  const [newest, page] = await Database.of(env.DB).batch<Letter>([
    statement(NEWEST),
    statement(PAGE, after, upTo ?? Number.MAX_SAFE_INTEGER, queue ?? null, REPLAYED_MAX),
  ]);
  const letters = page?.rows ?? [];
  const end = upTo ?? newest?.rows[0]?.id ?? 0;
  const last = letters.at(-1);
  const isWhole = letters.length < REPLAYED_MAX || !last || last.id >= end;
  return { ...(await send(env, letters)), ...(!isWhole && { next: { after: last.id, upTo: end } }) };
}

const LETTER = list(deadLetters.id, deadLetters.queue, deadLetters.bytes);
const IS_ONE_OF = sql`${deadLetters.id} IN (SELECT value FROM json_each(?1))`;
const BY_IDS = textOf(sql`SELECT ${LETTER} FROM ${deadLetters} WHERE ${IS_ONE_OF} ORDER BY ${deadLetters.id}`);
const NEWEST = textOf(sql`SELECT coalesce(max(${deadLetters.id}), 0) AS ${bare(deadLetters.id)} FROM ${deadLetters}`);
const PAGE = textOf(sql`
  SELECT ${LETTER} FROM ${deadLetters}
  WHERE ${deadLetters.id} > ?1 AND ${deadLetters.id} <= ?2 AND ${deadLetters.replayedAt} IS NULL
    AND (?3 IS NULL OR ${deadLetters.queue} = ?3)
  ORDER BY ${deadLetters.id} LIMIT ?4`);

async function send(env: Env, letters: readonly Letter[]): Promise<Replayed> {
  const replayed: number[] = [];
  for (const [name, group] of Map.groupBy(letters, ({ queue }) => queue)) {
    const queue = QUEUES.get(name);
    if (!queue) continue;
    for (const together of inSends(group)) replayed.push(...(await sendTogether(env, queue, together)));
  }
  return { replayed, unknown: letters.flatMap(({ id, queue }) => (QUEUES.has(queue) ? [] : [id])) };
}

/** Returns the ids that still existed and were sent. Reads the bodies only here, because together they may be large. */
async function sendTogether(env: Env, { producerOf }: KnownQueue, letters: readonly Letter[]): Promise<number[]> {
  const database = Database.of(env.DB);
  const sent = await database.all<Body>(BODIES, JSON.stringify(letters.map(({ id }) => id)));
  if (sent.length === 0) return [];
  await accepted(producerOf(env).sendBatch(sent.map(({ body }) => ({ body: JSON.parse(body) as unknown }))));
  const marked = sent.map(({ id, deaths }): typeof SENT.Row => ({ id, deaths }));
  // Patient, because without this mark they would be sent again.
  await database.patient.run(MARK, JSON.stringify(marked), Date.now());
  return sent.map(({ id }) => id);
}

type Body = Pick<typeof deadLetters.$inferSelect, "id" | "deaths" | "body">;
const BODIES = textOf(sql`
  SELECT ${list(deadLetters.id, deadLetters.deaths, deadLetters.body)}
  FROM ${deadLetters} WHERE ${IS_ONE_OF} ORDER BY ${deadLetters.id}`);

const SENT = rowsOf(deadLetters, ["id", "deaths"], "sent.value");
// A dead letter that has failed again before this update keeps waiting.
const MARK = textOf(sql`
  UPDATE ${deadLetters} SET ${bare(deadLetters.replays)} = ${deadLetters.replays} + 1,
    ${bare(deadLetters.replayedAt)} = iif(${deadLetters.deaths} = ${SENT.value("deaths")}, ?2, ${deadLetters.replayedAt})
  FROM json_each(?1) AS sent WHERE ${deadLetters.id} = ${SENT.value("id")}`);

/**
 * Waits until the queue has accepted the messages. Throws a QueueError otherwise, and the dead letters stay as they
 * are.
 */
async function accepted(sent: Promise<unknown>): Promise<void> {
  try {
    await within(STORE_TIMEOUT, sent, "the queue");
  } catch (error) {
    throw new QueueError(error);
  }
}

/** A queue did not accept a message. */
class QueueError extends Error {
  readonly retryable = true;

  constructor(cause: unknown) {
    super(`The queue did not accept the messages: ${String(cause)}`);
  }
}

/** Splits the dead letters, in order, into groups of up to BYTES_PER_SEND. */
function inSends(letters: readonly Letter[]): Letter[][] {
  const sends: Letter[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const letter of letters) {
    bytes += letter.bytes;
    if (bytes <= BYTES_PER_SEND) sends.at(-1)?.push(letter);
    else {
      sends.push([letter]);
      bytes = letter.bytes;
    }
  }
  return sends;
}

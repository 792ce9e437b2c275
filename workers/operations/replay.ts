/**
 * Sends dead letters to their queues again. A dead letter counts as replayed once its queue has accepted it. Replaying
 * one twice delivers it twice, which consumers tolerate; one whose queue does not respond keeps waiting.
 */
import { REPLAYED_MAX } from "../../schema/api/dead-letters.ts";
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import { type KnownQueue, QUEUES } from "./queues.ts";

/** The most bytes of bodies in one `sendBatch`. The platform allows 256 kB, and counts more than the bodies. */
const BYTES_PER_SEND = 200_000;

type Letter = { id: number; queue: string; bytes: number };
const SELECT = "SELECT id, queue, bytes FROM dead_letters";

/** Ids of dead letters. `unknown` are those whose queue is not known. */
export type Replayed = { replayed: number[]; unknown: number[] };

/**
 * Replays the dead letters with these ids, whether replayed before or not; absent ones are skipped. Costs a query, and
 * 2 queries and a send for each queue and 200 kB.
 */
export async function replay(env: Env, ids: readonly number[]): Promise<Replayed> {
  const { results } = await env.DB.prepare(`${SELECT} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`)
    .bind(JSON.stringify(ids))
    .all<Letter>();
  return send(env, results);
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
  const [newest, page] = await env.DB.batch<Letter>([
    env.DB.prepare("SELECT coalesce(max(id), 0) AS id FROM dead_letters"),
    env.DB.prepare(
      `${SELECT} WHERE id > ?1 AND id <= ?2 AND replayed_at IS NULL AND (?3 IS NULL OR queue = ?3) ORDER BY id LIMIT ?4`,
    ).bind(after, upTo ?? Number.MAX_SAFE_INTEGER, queue ?? null, REPLAYED_MAX),
  ]);
  const letters = page?.results ?? [];
  const end = upTo ?? newest?.results[0]?.id ?? 0;
  const last = letters.at(-1);
  const isWhole = letters.length < REPLAYED_MAX || !last || last.id >= end;
  return { ...(await send(env, letters)), ...(!isWhole && { next: { after: last.id, upTo: end } }) };
}

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
  const { results } = await env.DB.prepare(
    "SELECT id, deaths, body FROM dead_letters WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
  )
    .bind(JSON.stringify(letters.map(({ id }) => id)))
    .all<{ id: number; deaths: number; body: string }>();
  if (results.length === 0) return [];
  const messages = results.map(({ body }) => ({ body: JSON.parse(body) as unknown }));
  await accepted(producerOf(env).sendBatch(messages));
  await env.DB.prepare(MARK)
    .bind(JSON.stringify(results.map(({ id, deaths }) => [id, deaths])), Date.now())
    .run();
  return results.map(({ id }) => id);
}

/**
 * Waits until the queue has accepted the messages. Throws a QueueError otherwise, and the dead letters stay as they
 * are.
 */
async function accepted(sent: Promise<unknown>): Promise<void> {
  try {
    await within(STORE_ANSWERS_WITHIN, sent, "the queue");
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

// A dead letter that has failed again before this update keeps waiting.
const MARK = `
  UPDATE dead_letters SET replays = replays + 1, replayed_at = iif(deaths = sent.value ->> 1, ?2, replayed_at)
  FROM json_each(?1) AS sent WHERE dead_letters.id = sent.value ->> 0`;

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

/**
 * Sends dead letters to their queues again. A letter counts as replayed once its queue has accepted it, so one that is
 * replayed twice arrives twice, which consumers take; and one whose replay is not answered stays.
 */
import { REPLAYED_MAX } from "../../schema/api/dead-letters.ts";
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import { type KnownQueue, QUEUES } from "./queues.ts";

/** Of one `sendBatch`. The platform allows 256 kB, and counts more than the bodies. */
const BYTES_PER_SEND = 200_000;

type Known = { id: number; queue: string; bytes: number };
const KNOWN = "SELECT id, queue, bytes FROM dead_letters";

/** The numbers of letters. `unknown`: it is not known for which queue they were. */
export type Replayed = { replayed: number[]; unknown: number[] };

/** Those of `ids` that are there, replayed before or not. Costs a query, and 2 and a send for each queue and 200 kB. */
export async function replay(env: Env, ids: readonly number[]): Promise<Replayed> {
  const { results } = await env.DB.prepare(`${KNOWN} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`)
    .bind(JSON.stringify(ids))
    .all<Known>();
  return send(env, results);
}

/** A page of all that wait, in the order of their numbers, so that what dies again meanwhile is not met again. */
export async function replayFrom(
  env: Env,
  queue: string | undefined,
  { after, upTo }: { after: number; upTo?: number },
): Promise<Replayed & { next?: { after: number; upTo: number } }> {
  const [newest, page] = await env.DB.batch<Known>([
    env.DB.prepare("SELECT coalesce(max(id), 0) AS id FROM dead_letters"),
    env.DB.prepare(
      `${KNOWN} WHERE id > ?1 AND id <= ?2 AND replayed_at IS NULL AND (?3 IS NULL OR queue = ?3) ORDER BY id LIMIT ?4`,
    ).bind(after, upTo ?? Number.MAX_SAFE_INTEGER, queue ?? null, REPLAYED_MAX),
  ]);
  const letters = page?.results ?? [];
  const end = upTo ?? newest?.results[0]?.id ?? 0;
  const last = letters.at(-1);
  const isWhole = letters.length < REPLAYED_MAX || !last || last.id >= end;
  return { ...(await send(env, letters)), ...(!isWhole && { next: { after: last.id, upTo: end } }) };
}

async function send(env: Env, letters: readonly Known[]): Promise<Replayed> {
  const replayed: number[] = [];
  for (const [name, group] of Map.groupBy(letters, ({ queue }) => queue)) {
    const queue = QUEUES.get(name);
    if (!queue) continue;
    for (const together of inSends(group)) replayed.push(...(await sendTogether(env, queue, together)));
  }
  return { replayed, unknown: letters.flatMap(({ id, queue }) => (QUEUES.has(queue) ? [] : [id])) };
}

/** Returns which were still there, and are sent. Bodies are read here, because together they may be large. */
async function sendTogether(env: Env, { producerOf }: KnownQueue, letters: readonly Known[]): Promise<number[]> {
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

/** The letters stay as they are when it fails. */
async function accepted(sent: Promise<unknown>): Promise<void> {
  try {
    await within(STORE_ANSWERS_WITHIN, sent, "the queue");
  } catch (error) {
    throw new QueueError(error);
  }
}

/** A queue that has not taken a message. */
class QueueError extends Error {
  readonly retryable = true;

  constructor(cause: unknown) {
    super(`the queue has not accepted it: ${String(cause)}`);
  }
}

// One that has died again before this comes stays among those that wait.
const MARK = `
  UPDATE dead_letters SET replays = replays + 1, replayed_at = iif(deaths = sent.value ->> 1, ?2, replayed_at)
  FROM json_each(?1) AS sent WHERE dead_letters.id = sent.value ->> 0`;

/** In their order, as many together as a queue takes at once. */
function inSends(letters: readonly Known[]): Known[][] {
  const sends: Known[][] = [];
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

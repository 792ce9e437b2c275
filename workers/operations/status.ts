/**
 * The status of the deployment, from its stores and the counts of its Workers. A part that cannot be read is listed in
 * `problems` and does not keep the others from being reported.
 */
import { sql } from "drizzle-orm";
import type { Status } from "../../schema/api/status.ts";
import { DEAD_LETTERS } from "../../schema/messages/dead-letters.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import { timeOf } from "../../schema/ids.ts";
import { bindings, databaseNamed } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { postStats } from "../../schema/tables/posts.ts";
import { waitingEffects } from "../storage/effects.ts";
import { DEAD_LETTERS_MAX, deadLetterCounts } from "./dead-letters.ts";
import { DELIVERED } from "./count-delivered.ts";
import { doneIn, retriedIn } from "./measured-consumer.ts";
import { type Measured, measuresSince, saveMeasures } from "./measures.ts";
import { QUEUES } from "./queues.ts";

/** The window of the counts, in minutes, including the current one. */
const WINDOW = 5;
const MINUTE = 60_000;
const POSTS_LOOKED_AT = 1000;

type Queues = readonly (readonly [name: string, queue: Queue])[];

/**
 * Reads the status. Costs 2 queries in DB, 2 in each database (of at most 10,000 and 1,000 rows), and one call for each
 * queue, all in parallel.
 */
export async function statusOf(env: Env, now = Date.now()): Promise<Status> {
  const problems: string[] = [];
  const tryTo = async <T>(what: string, read: Promise<T>): Promise<T | undefined> => {
    try {
      return await within(STORE_TIMEOUT, read, what);
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const since = (Math.floor(now / MINUTE) - WINDOW + 1) * MINUTE;
  const queues: Queues = [
    ...[...QUEUES].map(([name, { producerOf }]) => [name, producerOf(env)] as const),
    [DEAD_LETTERS, env.DEAD_LETTERS],
  ];
  const [backlogs, measured, letters, effects, projection] = await Promise.all([
    Promise.all(queues.map(([name, queue]) => tryTo(`backlog of ${name}`, queue.metrics()))),
    tryTo("measures", countedSince(env, since)),
    tryTo("dead letters", deadLetterCounts(env)),
    Promise.all(bindings(env).map((name) => tryTo(`effects in ${name}`, effectsOf(env, name, now)))),
    Promise.all(bindings(env).map((name) => tryTo(`projection in ${name}`, projectionOf(env, name)))),
  ]);
  const windowSeconds = Math.max(1, Math.round((now - since) / 1000));
  return {
    at: new Date(now).toISOString(),
    windowSeconds,
    queues: queues.map(([queue], index) => ({
      queue,
      backlog: presentBacklog(backlogs[index], now),
      work: measured ? workOf(measured, queue) : null,
      deadLetters: letters ? (letters.find((counts) => counts.queue === queue)?.waiting ?? 0) : null,
    })),
    effects: effects.filter((found) => found !== undefined),
    projection: projection.filter((found) => found !== undefined),
    deliveries: measured ? deliveriesOf(measured, windowSeconds) : null,
    deadLetters: letters ? lettersOf(letters) : null,
    problems,
  };
}

/** Includes the counts of this isolate by saving them first: on a single machine, those are all there are. */
async function countedSince(env: Env, since: number): Promise<Map<string, Measured>> {
  await saveMeasures(env);
  return measuresSince(env, since);
}

async function effectsOf(env: Env, database: string, now: number) {
  const { oldest, ...counts } = await waitingEffects(databaseNamed(env, database));
  return { database, ...counts, ...(oldest !== null && { oldestSeconds: secondsBetween(timeOf(oldest), now) }) };
}

async function projectionOf(env: Env, database: string) {
  const found = await databaseNamed(env, database).first<{ behind: number; of: number }>(COUNT_BEHIND, POSTS_LOOKED_AT);
  return { database, behind: found?.behind ?? 0, of: found?.of ?? 0 };
}

const COUNT_BEHIND = textOf(sql`
  SELECT count(*) AS "of", coalesce(sum(is_behind), 0) AS "behind"
  FROM (
    SELECT ${postStats.projected} < ${postStats.seq} AS is_behind
    FROM ${postStats} ORDER BY ${postStats.post} DESC LIMIT ?1)`);

function presentBacklog(metrics: QueueMetrics | undefined, now: number) {
  if (!metrics) return null;
  const { backlogCount: messages, backlogBytes: bytes, oldestMessageTimestamp } = metrics;
  const oldest = oldestMessageTimestamp?.getTime() ?? 0; // An empty queue may also report 1970.
  return { messages, bytes, ...(oldest > 0 && { oldestSeconds: secondsBetween(oldest, now) }) };
}

function workOf(measured: Map<string, Measured>, queue: string) {
  const done = measured.get(doneIn(queue));
  return {
    done: done?.count ?? 0,
    retried: measured.get(retriedIn(queue))?.count ?? 0,
    ...(done && { delay: { meanMs: Math.round(done.total / done.count), mostMs: done.most } }),
  };
}

function deliveriesOf(measured: Map<string, Measured>, windowSeconds: number) {
  const delivered = (name: string) => {
    const rows = measured.get(name)?.count ?? 0;
    return { rows, perSecond: Math.round((rows / windowSeconds) * 100) / 100 };
  };
  return { feeds: delivered(DELIVERED.feeds), notifications: delivered(DELIVERED.notifications) };
}

const lettersOf = (letters: { waiting: number; replayed: number }[]) => ({
  waiting: letters.reduce((sum, { waiting }) => sum + waiting, 0),
  replayed: letters.reduce((sum, { replayed }) => sum + replayed, 0),
  atMost: DEAD_LETTERS_MAX,
});

/** Never negative, though the two times may come from different clocks. */
const secondsBetween = (from: number, to: number): number => Math.max(0, Math.round((to - from) / 1000));

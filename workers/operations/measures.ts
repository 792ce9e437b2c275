/**
 * Measures: counts and times by name and minute. Each isolate adds its own to the database DB, so that the operator
 * sees the sum of all isolates. It writes at most every 5 s, in the background: one statement and one row for each
 * name, however much was counted. Counts since the last write are lost when an isolate ends, and a failed write is not
 * repeated.
 */

/** The shortest time between two writes, in ms. */
const SAVED_EVERY = 5000;
/** Rows are kept for a day. */
const MINUTES_KEPT = 24 * 60; // minutes
const MINUTE = 60_000;

/** How often something happened, the sum of its times and the longest of them, in ms. */
export type Measured = { count: number; total: number; most: number };

let pending = new Map<string, Measured & { minute: number; name: string }>();
let savedAt = 0;

/** Counts events in memory: either the time of each in ms, or just their number. */
export function measure(name: string, times: readonly number[] | number, now = Date.now()): void {
  if (times === 0) return;
  const minute = Math.floor(now / MINUTE);
  const key = `${minute} ${name}`;
  const known = pending.get(key) ?? { minute, name, count: 0, total: 0, most: 0 };
  pending.set(key, known);
  if (typeof times === "number") {
    known.count += times;
    return;
  }
  known.count += times.length;
  for (const time of times) {
    known.total += time;
    known.most = Math.max(known.most, time);
  }
}

/** Saves the counts in the background, unless that happened in the last 5 s. */
export function saveMeasuresSoon(env: Env, background: Pick<ExecutionContext, "waitUntil">, now = Date.now()): void {
  if (Math.abs(now - savedAt) < SAVED_EVERY) return;
  background.waitUntil(saveMeasures(env, now));
}

/** Saves the counts. Never fails. */
export async function saveMeasures(env: Env, now = Date.now()): Promise<void> {
  savedAt = now;
  if (pending.size === 0) return;
  const rows = [...pending.values()].map(({ minute, name, count, total, most }) => [minute, name, count, total, most]);
  pending = new Map();
  try {
    await env.DB.prepare(ADD).bind(JSON.stringify(rows)).run();
  } catch (error) {
    console.warn("measures not saved, counts are lost", { error: String(error) });
  }
}

const ADD = `
  INSERT INTO measures (minute, name, count, total, most)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET
    count = count + excluded.count, total = total + excluded.total, most = max(most, excluded.most)`;

/**
 * Returns the counts of all isolates by name, from the minute of `since` (ms since 1970) on. Costs one query, which
 * reads a row for each name and minute.
 */
export async function measuresSince(env: Env, since: number): Promise<Map<string, Measured>> {
  const { results } = await env.DB.prepare(
    "SELECT name, sum(count) AS count, sum(total) AS total, max(most) AS most FROM measures WHERE minute >= ? GROUP BY name",
  )
    .bind(Math.floor(since / MINUTE))
    .all<Measured & { name: string }>();
  return new Map(results.map((row) => [row.name, row]));
}

/** Deletes measures that are more than a day old. */
export async function forgetMeasures(env: Env, now = Date.now()): Promise<void> {
  await env.DB.prepare("DELETE FROM measures WHERE minute < ?")
    .bind(Math.floor(now / MINUTE) - MINUTES_KEPT)
    .run();
}

/**
 * Measures: counts and times by name and minute. Each isolate adds its own to the database DB, so that the operator
 * sees the sum of all isolates. It writes at most every 5 s, in the background: one statement and one row for each
 * name, however much was counted. Counts since the last write are lost when an isolate ends, and a failed write is not
 * repeated.
 */
import { type SQL, lt, sql } from "drizzle-orm";
import { Database } from "../../schema/d1/database.ts";
import { bare, excluded, rowsOf, textOf } from "../../schema/d1/sql.ts";
import { measures } from "../../schema/tables/operations.ts";
import { logWarning } from "../../schema/log.ts";

/** The shortest time between two writes, in ms. */
const SAVED_EVERY = 5000;
/** Rows are kept for a day. */
const MINUTES_KEPT = 24 * 60; // minutes
const MINUTE = 60_000;

/** How often something happened, the sum of its times and the longest of them, in ms. */
export type Measured = Pick<typeof measures.$inferSelect, "count" | "total" | "most">;

const MEASURES = rowsOf(measures, ["minute", "name", "count", "total", "most"]);
let pending = new Map<string, typeof MEASURES.Row>();
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
  const rows = [...pending.values()];
  pending = new Map();
  try {
    await Database.of(env.DB).patient.run(ADD, JSON.stringify(rows));
  } catch (error) {
    logWarning("measures not saved, counts are lost", { error: String(error) });
  }
}

const addTo = (column: typeof measures.count | typeof measures.total): SQL =>
  sql`${bare(column)} = ${column} + ${excluded(column)}`;
const ADD = textOf(sql`
  INSERT INTO ${measures} (${MEASURES.columns}) SELECT ${MEASURES.values} FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET ${addTo(measures.count)}, ${addTo(measures.total)},
    ${bare(measures.most)} = max(${measures.most}, ${excluded(measures.most)})`);

/**
 * Returns the counts of all isolates by name, from the minute of `since` (ms since 1970) on. Costs one query, which
 * reads a row for each name and minute.
 */
export async function measuresSince(env: Env, since: number): Promise<Map<string, Measured>> {
  const rows = await Database.of(env.DB).all<Measured & { name: string }>(SUMS, Math.floor(since / MINUTE));
  return new Map(rows.map((row) => [row.name, row]));
}

const SUMS = textOf(sql`
  SELECT ${measures.name}, sum(${measures.count}) AS "count", sum(${measures.total}) AS "total",
    max(${measures.most}) AS "most"
  FROM ${measures} WHERE ${measures.minute} >= ?1 GROUP BY ${measures.name}`);

/** Deletes measures that are more than a day old. */
export async function forgetMeasures(env: Env, now = Date.now()): Promise<void> {
  const { orm } = Database.of(env.DB).patient;
  await orm.delete(measures).where(lt(measures.minute, Math.floor(now / MINUTE) - MINUTES_KEPT));
}

/** The log of moderation: every act, in the shard of its subject and in the transaction of its change. */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { list, textOf } from "../../schema/d1/sql.ts";
import { AFTER_EVERY_ID, type LogId, newId, shardOf } from "../../schema/ids.ts";
import { moderationLog } from "../../schema/tables/moderation.ts";
import type { Reader } from "../storage/reader.ts";

type Row = typeof moderationLog.$inferSelect;
type Act = Pick<Row, "actor" | "act" | "subject" | "person" | "reason"> & { details?: object };

/**
 * Returns the statement that logs an act, if `condition` (SQL on the same database, which reads its `values` from ?9 on)
 * holds. Its id may be taken: see `withFreshIds`.
 */
export function logged(act: Act, condition = "true", ...values: readonly (string | number)[]): Statement {
  const { actor, subject, person, reason, details = {} } = act;
  const now = Date.now();
  const id = newId<LogId>(shardOf(subject), now);
  const row = [id, actor, act.act, subject, person, reason, JSON.stringify(details), now];
  return statement(`${LOG} ${condition}`, ...row, ...values);
}

const COLUMNS = list(
  moderationLog.id,
  moderationLog.actor,
  moderationLog.act,
  moderationLog.subject,
  moderationLog.person,
  moderationLog.reason,
  moderationLog.details,
  moderationLog.at,
);
const LOG = textOf(sql`INSERT INTO ${moderationLog} (${COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE`);

/** Returns the newest acts before an id. Costs one D1 query for each database. */
export async function newestActs(reader: Reader, before: LogId | undefined, limit: number): Promise<Row[]> {
  const rows = await reader.everyReplica<Row>(NEWEST, before ?? AFTER_EVERY_ID, limit);
  return rows.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit);
}

const NEWEST = textOf(sql`
  SELECT ${COLUMNS} FROM ${moderationLog} WHERE ${moderationLog.id} < ?1 ORDER BY ${moderationLog.id} DESC LIMIT ?2`);

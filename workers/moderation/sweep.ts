import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import { isWritableSql } from "../../schema/d1/shard-sql.ts";
import { databases } from "../../schema/d1/shards.ts";
import { list, textOf } from "../../schema/d1/sql.ts";
import { type LogId, newId } from "../../schema/ids.ts";
import { CASES_KEPT, LOG_KEPT, REPORTS_KEPT } from "../../schema/moderation.ts";
import { cases, decisions, moderationLog, reports } from "../../schema/tables/moderation.ts";

/** The most rows of a table that one sweep deletes, per database. */
const SWEPT = 200;

/**
 * Run by cron: deletes old reports, settled cases with nothing in force, the copies of their decisions, and old entries of
 * the log. Costs one batch for each database, which reads an index entry a table when there is nothing to delete.
 */
export async function sweepModeration(env: Env, now = Date.now()): Promise<void> {
  await Promise.all(
    [...databases(env)].map((database) =>
      database.patient.batch([
        statement(OLD_REPORTS, now - REPORTS_KEPT, SWEPT),
        statement(OLD_CASES, now - CASES_KEPT, SWEPT),
        statement(OLD_DECISIONS, now - CASES_KEPT, SWEPT),
        statement(OLD_ACTS, newId<LogId>(0, now - LOG_KEPT, 0), SWEPT),
      ]),
    ),
  );
}

const KEY = list(reports.subject, reports.reporter);
const OLD_REPORTS = textOf(sql`
  DELETE FROM ${reports} WHERE (${KEY}) IN (
    SELECT ${KEY} FROM ${reports} WHERE ${reports.at} < ?1 AND ${isWritableSql(reports.subject)} LIMIT ?2)`);
const OLD_CASES = textOf(sql`
  DELETE FROM ${cases} WHERE ${cases.subject} IN (
    SELECT ${cases.subject} FROM ${cases}
    WHERE ${cases.open} = 0 AND ${cases.down} = 0 AND ${cases.sanction} = 'none' AND ${cases.decidedAt} < ?1
      AND ${isWritableSql(cases.subject)} LIMIT ?2)`);
const DECISION = list(decisions.person, decisions.subject);
const OLD_DECISIONS = textOf(sql`
  DELETE FROM ${decisions} WHERE (${DECISION}) IN (
    SELECT ${DECISION} FROM ${decisions}
    WHERE ${decisions.down} = 0 AND ${decisions.sanction} = 'none' AND ${decisions.decidedAt} < ?1
      AND ${isWritableSql(decisions.person)} LIMIT ?2)`);
const OLD_ACTS = textOf(sql`
  DELETE FROM ${moderationLog} WHERE ${moderationLog.id} IN (
    SELECT ${moderationLog.id} FROM ${moderationLog}
    WHERE ${moderationLog.id} < ?1 AND ${isWritableSql(moderationLog.id)} LIMIT ?2)`);

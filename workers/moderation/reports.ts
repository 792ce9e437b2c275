/** Reports: what people find should not be here. One a person and subject; nobody learns who has reported something. */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { newCaseSql } from "../../schema/d1/new-case.ts";
import { bare, list, literal, textOf } from "../../schema/d1/sql.ts";
import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";
import { REPORTS_MAX, type ReportReason, type SubjectId, type SubjectKind } from "../../schema/moderation.ts";
import { cases, reports } from "../../schema/tables/moderation.ts";

/** What a report is about: `content` is it as JSON, as the reporter may have seen it. */
export type Subject = {
  id: SubjectId;
  kind: SubjectKind;
  post: PostId | null;
  parent: CommentId | "";
  person: PersonId;
  content: object;
};

/**
 * Returns the statements, for the database of the subject, that report it and put its case into the queue. A repeated
 * report only changes the words: it neither counts again nor opens a settled case. Writes six rows.
 */
export function reportStatements(
  { id, kind, post, parent, person, content }: Subject,
  reporter: PersonId | "",
  { reason, words }: { reason: ReportReason; words: string },
  now = Date.now(),
): Statement[] {
  const text = JSON.stringify(content);
  return [
    statement(NEW_CASE, id, kind, post, parent, person, text, now),
    statement(OPEN, id, reporter, text, now),
    statement(REPORT, id, reporter, reason, words, now),
  ];
}

const NEW_CASE = textOf(newCaseSql(sql`VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0)`));
const OPEN = textOf(sql`
  UPDATE ${cases} SET ${bare(cases.reports)} = ${cases.reports} + 1, ${bare(cases.revision)} = ${cases.revision} + 1,
    ${bare(cases.content)} = iif(${cases.open}, ${cases.content}, ?3),
    ${bare(cases.openedAt)} = iif(${cases.open}, ${cases.openedAt}, ?4), ${bare(cases.open)} = 1
  WHERE ${cases.subject} = ?1 AND NOT EXISTS (
    SELECT 1 FROM ${reports} WHERE ${reports.subject} = ?1 AND ${reports.reporter} = ?2)`);
const REPORT = textOf(sql`
  INSERT INTO ${reports} (${list(reports.subject, reports.reporter, reports.reason, reports.words, reports.at)})
  SELECT ?1, ?2, ?3, ?4, ?5 FROM ${cases} WHERE ${cases.subject} = ?1 AND (
    ${cases.reports} <= ${literal(REPORTS_MAX)}
    OR EXISTS (SELECT 1 FROM ${reports} WHERE ${reports.subject} = ?1 AND ${reports.reporter} = ?2))
  ON CONFLICT DO UPDATE SET ${bare(reports.reason)} = ?3, ${bare(reports.words)} = ?4`);

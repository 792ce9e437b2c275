/** Reads cases, and changes them by the rules of case-states.ts. */
import { sql } from "drizzle-orm";
import type { Content } from "../../schema/api/moderation.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import { statement } from "../../schema/d1/database.ts";
import { STORE_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { literal, rowsOf, textOf } from "../../schema/d1/sql.ts";
import { logWarning } from "../../schema/log.ts";
import type { ReportReason, SubjectId } from "../../schema/moderation.ts";
import type { PostMedia } from "../../schema/posts.ts";
import { cases, type CaseRow, reports } from "../../schema/tables/moderation.ts";
import { people } from "../../schema/tables/people.ts";
import { comments, posts, postStats } from "../../schema/tables/posts.ts";
import { newEffect, saveEffectIf, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import type { Reader } from "../storage/reader.ts";
import { enforceDecision } from "./enforce-decision.ts";
import { type CaseCommand, nextCase } from "./case-states.ts";
import { logged } from "./log.ts";

/** Two moderators rarely meet, and one more report is no reason to give up. */
const TRIES = 5;
/** How many of the newest reports a case shows. */
const WORDS_SHOWN = 10;

const KEYS = [
  "subject",
  "kind",
  "post",
  "parent",
  "person",
  "content",
  "reports",
  "openedAt",
  "revision",
  "version",
  "open",
  "down",
  "sanction",
  "until",
  "action",
  "reason",
  "decidedBy",
  "decidedAt",
  "appeal",
  "appealedAt",
  "answer",
] as const;
const ROW = rowsOf(cases, KEYS);
/** The columns of a CaseRow under the names of its properties. */
const COLUMNS = sql.join(
  KEYS.map((key) => sql`${cases[key]} AS ${sql.identifier(key)}`),
  sql`, `,
);

type Stored = Omit<CaseRow, "open" | "down"> & { open: 0 | 1; down: 0 | 1 };
const rowOf = ({ open, down, ...row }: Stored): CaseRow => ({ ...row, open: open === 1, down: down === 1 });

/** Returns a case as the primary has it. Costs one D1 query of one row. */
export async function caseOf(env: Env, subject: SubjectId): Promise<CaseRow | undefined> {
  const row = await databaseOf(env, subject).patient.first<Stored>(CASE, subject);
  return row && rowOf(row);
}

const CASE = textOf(sql`SELECT ${COLUMNS} FROM ${cases} WHERE ${cases.subject} = ?1`);

/**
 * Runs a command on a case, with its entry in the log and its effect in one transaction, then applies the effect. If that
 * fails, the decision stands and a queue applies it. Throws what the rules refuse. Costs one D1 query and one batch, and
 * what the effect costs.
 */
export async function changeCase(reader: Reader, subject: SubjectId, command: CaseCommand): Promise<void> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const row = await caseOf(reader.env, subject);
    if (!row) throw new Refusal(command.kind === "answer" ? "decision_not_found" : "case_not_found");
    const result = nextCase(row, command, Date.now());
    if (!result.ok) throw new Refusal(result.reason);
    if (result.next === row) return;
    if (await save(reader, row, result.next, command)) return;
  }
  throw new Refusal("busy");
}

/** Returns false if the case has changed in the meantime. */
async function save(reader: Reader, row: CaseRow, next: CaseRow, command: CaseCommand): Promise<boolean> {
  const { subject, person, revision } = row;
  const changed = { ...next, revision: revision + 1 };
  const saved = await withFreshIds(async () => {
    const effect = newEffect(subject, { kind: "moderation", subject } as const);
    const log =
      command.kind === "answer"
        ? []
        : [logged({ ...entryOf(command), subject, person }, IS_SAME_FOR_LOG, subject, revision)];
    const results = await reader.write(subject, [
      saveEffectIf(effect, IS_SAME_FOR_EFFECT, [subject, String(revision)]),
      ...log,
      statement(SAVE, subject, revision, JSON.stringify(changed)),
    ]);
    return (results.at(-1)?.changes ?? 0) > 0 ? effect : undefined;
  });
  if (!saved) return false;
  try {
    await within(STORE_TIMEOUT, enforceDecision(reader.env, saved, changed), "the stores of a decision");
  } catch (error) {
    logWarning("decision not applied at once", { subject, error: String(error) });
    reader.background.waitUntil(sendEffect(reader.env, saved));
  }
  return true;
}

function entryOf(command: Exclude<CaseCommand, { kind: "answer" }>) {
  const { by: actor, reason } = command;
  if (command.kind === "restore") return { actor, act: "restore", reason };
  const { decision: act, until } = command;
  return { actor, act, reason, ...(until !== undefined && { details: { until: new Date(until).toISOString() } }) };
}

const isSame = (subject: string, revision: string) =>
  textOf(sql`EXISTS (
    SELECT 1 FROM ${cases} WHERE ${cases.subject} = ${sql.raw(subject)} AND ${cases.revision} = ${sql.raw(revision)})`);
const IS_SAME_FOR_EFFECT = isSame("?4", "?5");
const IS_SAME_FOR_LOG = isSame("?9", "?10");
const SAVE = textOf(sql`
  UPDATE ${cases} SET (${ROW.columns}) = (SELECT ${ROW.values} FROM (SELECT ?3 AS value))
  WHERE ${cases.subject} = ?1 AND ${cases.revision} = ?2`);

/** What was reported and how it is now: as Content, but with media as they are stored. */
export type StoredContent = Omit<Content, "media"> & { media?: PostMedia[] };
/** A case with its reports. `current` is null if the content is gone. */
export type ReportedCase = CaseRow & {
  reasons: Record<string, number>;
  words: { reason: ReportReason; words: string; at: number }[];
  reported: StoredContent;
  current: StoredContent | null;
};
type ReportedRow = Stored & { id: SubjectId; reasons: string; words: string; current: string | null };

const reportedOf = (row: ReportedRow): ReportedCase => ({
  ...rowOf(row),
  reasons: JSON.parse(row.reasons) as ReportedCase["reasons"],
  words: JSON.parse(row.words) as ReportedCase["words"],
  reported: JSON.parse(row.content) as StoredContent,
  current: row.current === null ? null : (JSON.parse(row.current) as StoredContent),
});

/** Returns open cases after a position, the one that waits longest first. Costs one D1 query for each database. */
export async function openCases(
  reader: Reader,
  after: { openedAt: number; subject: string } | undefined,
  limit: number,
): Promise<ReportedCase[]> {
  const { openedAt, subject } = after ?? { openedAt: 0, subject: "" };
  const rows = await reader.everyReplica<ReportedRow>(QUEUE, openedAt, subject, limit);
  return rows
    .map(reportedOf)
    .sort((a, b) => a.openedAt - b.openedAt || (a.subject < b.subject ? -1 : 1))
    .slice(0, limit);
}

/** Returns one case with its reports, from the primary. Costs one D1 query. */
export async function reportedCase(reader: Reader, subject: SubjectId): Promise<ReportedCase | undefined> {
  const [row] = await reader.primary<ReportedRow>(subject, ONE, subject);
  return row && reportedOf(row);
}

const WITH_REPORTS = sql`${COLUMNS}, ${cases.subject} AS "id",
  (SELECT json_group_object(reason, number) FROM (
    SELECT ${reports.reason} AS reason, count(*) AS number FROM ${reports}
    WHERE ${reports.subject} = ${cases.subject} GROUP BY 1)) AS "reasons",
  (SELECT json_group_array(json_object('reason', reason, 'words', words, 'at', at)) FROM (
    SELECT ${reports.reason} AS reason, ${reports.words} AS words, ${reports.at} AS at FROM ${reports}
    WHERE ${reports.subject} = ${cases.subject} ORDER BY ${reports.at} DESC LIMIT ${literal(WORDS_SHOWN)})) AS "words",
  CASE ${cases.kind}
    WHEN 'post' THEN (
      SELECT json_object('text', ${posts.caption}, 'media', json(${posts.media})) FROM ${posts}
      JOIN ${postStats} ON ${postStats.post} = ${posts.id} AND ${postStats.deleted} = 0
      WHERE ${posts.id} = ${cases.subject})
    WHEN 'comment' THEN (
      SELECT json_object('text', ${comments.text}) FROM ${comments}
      WHERE ${comments.post} = ${cases.post} AND ${comments.parent} = ${cases.parent}
        AND ${comments.id} = ${cases.subject} AND ${comments.state} <> 'gone')
    ELSE (
      SELECT json_object('handle', ${people.handle}, 'name', ${people.name}, 'bio', ${people.bio}, 'picture', ${people.picture})
      FROM ${people}
      WHERE ${people.id} = ${cases.subject})
  END AS "current"`;
const QUEUE = textOf(sql`
  SELECT ${WITH_REPORTS} FROM ${cases}
  WHERE ${cases.open} = 1 AND (${cases.openedAt}, ${cases.subject}) > (?1, ?2)
  ORDER BY ${cases.openedAt}, ${cases.subject} LIMIT ?3`);
const ONE = textOf(sql`SELECT ${WITH_REPORTS} FROM ${cases} WHERE ${cases.subject} = ?1`);

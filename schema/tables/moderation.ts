import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { CommentId, LogId, PersonId, PostId } from "../ids.ts";
import type { Action, ReportReason, Sanction, SubjectId, SubjectKind } from "../moderation.ts";

/** Who has reported what; in the shard of the subject. One report a person and subject. */
export const reports = sqliteTable(
  "reports",
  {
    subject: text().$type<SubjectId>().notNull(),
    reporter: text().$type<PersonId>().notNull(),
    reason: text().$type<ReportReason>().notNull(),
    words: text().notNull(),
    at: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.subject, t.reporter] }),
    index("reports_by_time").on(t.at), // Old ones are deleted.
    index("reports_by_reporter").on(t.reporter), // To find everything that names a person.
  ],
);

/** What moderators decide about: one row a subject, in its shard. workers/moderation/case-states.ts has the rules. */
export const cases = sqliteTable(
  "cases",
  {
    subject: text().$type<SubjectId>().primaryKey(),
    kind: text().$type<SubjectKind>().notNull(),
    /** The post that a comment belongs to. */
    post: text().$type<PostId>(),
    /** The comment whose thread a comment is in. */
    parent: text().$type<CommentId | "">().notNull(),
    /** The person concerned: the author of the content. */
    person: text().$type<PersonId>().notNull(),
    /** JSON: the content as it was when the case was opened. */
    content: text().notNull(),
    /** The number of people who have reported it. */
    reports: integer().notNull(),
    openedAt: integer("opened_at").notNull(),
    /** Grows with every change of the row. */
    revision: integer().notNull(),
    /** Grows with every decision. */
    version: integer().notNull(),
    /** Whether it waits for a moderator. */
    open: integer({ mode: "boolean" }).notNull(),
    /** Whether the content is hidden or taken down. */
    down: integer({ mode: "boolean" }).notNull(),
    sanction: text().$type<Sanction>().notNull(),
    /** When a suspension ends, in ms since 1970. */
    until: integer(),
    /** What was decided last; null before that. */
    action: text().$type<Action>(),
    reason: text().notNull(),
    decidedBy: text("decided_by").$type<PersonId>(),
    decidedAt: integer("decided_at"),
    /** What the person concerned replied, and what was answered. */
    appeal: text(),
    appealedAt: integer("appealed_at"),
    answer: text(),
  },
  (t) => [
    index("cases_open")
      .on(t.openedAt, t.subject)
      .where(sql`open = 1`), // The queue, oldest first.
    index("cases_by_person").on(t.person), // To find everything that names a person.
    index("cases_settled")
      .on(t.decidedAt)
      .where(sql`open = 0 AND down = 0 AND sanction = 'none'`), // Old ones are deleted.
  ],
);

/** Copies of decisions, in the shard of the person concerned, who reads them there. */
export const decisions = sqliteTable(
  "decisions",
  {
    person: text().$type<PersonId>().notNull(),
    subject: text().$type<SubjectId>().notNull(),
    kind: text().$type<SubjectKind>().notNull(),
    post: text().$type<PostId>(),
    excerpt: text().notNull(),
    /** The version of the case. A copy never goes back. */
    version: integer().notNull(),
    down: integer({ mode: "boolean" }).notNull(),
    sanction: text().$type<Sanction>().notNull(),
    until: integer(),
    action: text().$type<Action>().notNull(),
    reason: text().notNull(),
    decidedAt: integer("decided_at").notNull(),
    appeal: text(),
    appealedAt: integer("appealed_at"),
    answer: text(),
  },
  (t) => [
    primaryKey({ columns: [t.person, t.subject] }),
    index("decisions_settled")
      .on(t.decidedAt)
      .where(sql`down = 0 AND sanction = 'none'`), // Old ones are deleted.
  ],
);

/** Every act of a moderator or operator, in the shard of its subject. Triggers refuse changes and early deletions. */
export const moderationLog = sqliteTable("moderation_log", {
  id: text().$type<LogId>().primaryKey(),
  /** Null for the operator's token. */
  actor: text().$type<PersonId>(),
  act: text().notNull(),
  subject: text().$type<SubjectId>().notNull(),
  person: text().$type<PersonId>().notNull(),
  reason: text().notNull(),
  /** JSON: what else belongs to the act, such as the end of a suspension. */
  details: text().notNull(),
  at: integer().notNull(),
});

export type CaseRow = typeof cases.$inferSelect;

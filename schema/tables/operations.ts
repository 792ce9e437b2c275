/** The operator's tables. They exist in the database DB only and belong to no shard and no person. */
import type { FilterAction } from "../comment-rules.ts";
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Dead letters: one row per queue and subject, however often its message fails. */
export const deadLetters = sqliteTable("dead_letters", {
  id: integer().primaryKey(),
  queue: text().notNull(),
  /** What the message is about (workers/operations/queues.ts), or the hash of a body that matches no schema. */
  subject: text().notNull(),
  /** The latest known error; null if none is known. */
  reason: text(),
  /** Number of delivery attempts before the last failure. */
  attempts: integer().notNull(),
  /** How often it has failed for good. */
  deaths: integer().notNull(),
  replays: integer().notNull(),
  /** When it first and last failed for good, in ms since 1970. */
  firstAt: integer("first_at").notNull(),
  lastAt: integer("last_at").notNull(),
  /** When it was replayed; null while it waits for the operator, and again after another failure. */
  replayedAt: integer("replayed_at"),
  /** Size of the body in UTF-8. */
  bytes: integer().notNull(),
  /** JSON, as of its last failure. */
  body: text().notNull(),
});

/** Counts per minute and name. For work with a duration, also the total and the longest, in ms. */
export const measures = sqliteTable(
  "measures",
  {
    /** In minutes since 1970. */
    minute: integer().notNull(),
    name: text().notNull(),
    count: integer().notNull(),
    total: integer().notNull(),
    most: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.minute, t.name] })],
);

/** Words that moderators filter in all comments. */
export const siteFilters = sqliteTable("site_filters", {
  word: text().primaryKey(),
  action: text().$type<FilterAction>().notNull(),
});

/** Keys of this deployment, generated on first use. */
export const secrets = sqliteTable("secrets", {
  name: text().primaryKey(),
  value: text().notNull(),
});

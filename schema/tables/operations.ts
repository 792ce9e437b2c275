/** The operator's own tables: in the database DB alone, of no shard, and of nobody's rows. */
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Messages that were given up on: one row for each queue and subject, however often it has died. */
export const deadLetters = sqliteTable("dead_letters", {
  id: integer().primaryKey(),
  queue: text().notNull(),
  /** What the message is about (workers/operations/queues.ts), or the hash of a body that nobody understands. */
  subject: text().notNull(),
  /** The newest that is known; null while none is. */
  reason: text(),
  /** How often it was tried before it died last. */
  attempts: integer().notNull(),
  deaths: integer().notNull(),
  replays: integer().notNull(),
  /** When it died first and last, in ms since 1970. */
  firstAt: integer("first_at").notNull(),
  lastAt: integer("last_at").notNull(),
  /** Since when it counts as dealt with; null while it waits for the operator, again once it has died again. */
  replayedAt: integer("replayed_at"),
  /** Of the body, as UTF-8. */
  bytes: integer().notNull(),
  /** JSON, of its last death. */
  body: text().notNull(),
});

/** What was counted in a minute: how many and, of what takes a time, the sum and the longest, in ms. */
export const measures = sqliteTable(
  "measures",
  {
    /** Since 1970. */
    minute: integer().notNull(),
    name: text().notNull(),
    count: integer().notNull(),
    total: integer().notNull(),
    most: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.minute, t.name] })],
);

/** Keys of this deployment, made when they are first needed. */
export const secrets = sqliteTable("secrets", {
  name: text().primaryKey(),
  value: text().notNull(),
});

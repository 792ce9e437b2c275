import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The phases of a move, in this order; docs/decisions/0018-moving-shards.md explains them. A move can be aborted until
 * it is published, and not after that.
 */
export const PHASES = [
  "preparing",
  "copying",
  "catching_up",
  "verifying",
  "fenced",
  "aborting",
  "aborted",
  "published",
  "cleaning",
  "done",
] as const;
export type Phase = (typeof PHASES)[number];

/** Every move that was ever started, in the database DB only. At most one of them is under way. */
export const shardMoves = sqliteTable("shard_moves", {
  id: integer().primaryKey(),
  first: integer().notNull(),
  last: integer().notNull(),
  /** The bindings of the two databases. */
  source: text().notNull(),
  target: text().notNull(),
  phase: text({ enum: PHASES }).notNull(),
  /** JSON: the progress of the phase, as a position in the tables and their keys. */
  place: text().notNull(),
  /** Number of rows processed in the phase. */
  moved: integer().notNull(),
  /** When it was published, by the clock of this database, in ms since 1970. */
  publishedAt: integer("published_at"),
  /** Why it was aborted, if not by the operator. */
  reason: text(),
  /** The bookmark at which the target had all rows. Its older replicas may lack some. */
  bookmark: text(),
});

/** Ranges of shards whose rows the database refuses to change, except by the mover. They may overlap. */
export const closedShards = sqliteTable(
  "closed_shards",
  { first: integer().notNull(), last: integer().notNull() },
  (t) => [primaryKey({ columns: [t.first, t.last] })],
);

/** The database's part in a move. The row stays, so that a very late step can tell that it is late. */
export const movingShards = sqliteTable("moving_shards", {
  move: integer().primaryKey(),
  first: integer().notNull(),
  last: integer().notNull(),
  /** Index in PHASES of the furthest step so far in this database. */
  phase: integer().notNull(),
  /** The latest step. Writes of an earlier step are refused. */
  holder: text().notNull(),
  /** Whether triggers note changed rows. */
  noting: integer({ mode: "boolean" }).notNull(),
  /** At the target, once published: the last like whose digest has moved. */
  settled: text().notNull(),
});

/** The keys of changed rows, oldest change first. */
export const notedChanges = sqliteTable("noted_changes", {
  seq: integer().primaryKey({ autoIncrement: true }),
  /** Name of the table. */
  name: text().notNull(),
  /** JSON: the values of the primary key. */
  key: text().notNull(),
});

/** Has a row only inside transactions of the mover. Triggers check for it. */
export const mover = sqliteTable("mover", { holder: text().primaryKey() });

import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * What a move goes through, in this order; docs/decisions/0018-moving-shards.md says why. It may be aborted until it is
 * published, and cannot after that.
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

/** In the database DB alone: every move that was ever begun. At most one of them is under way. */
export const shardMoves = sqliteTable("shard_moves", {
  id: integer().primaryKey(),
  first: integer().notNull(),
  last: integer().notNull(),
  /** The bindings of the two databases. */
  source: text().notNull(),
  target: text().notNull(),
  phase: text({ enum: PHASES }).notNull(),
  /** JSON: how far the phase has come, in the tables and their keys. */
  place: text().notNull(),
  /** Rows that the phase has dealt with. */
  moved: integer().notNull(),
  /** By the clock of this database, in ms since 1970. */
  publishedAt: integer("published_at"),
  /** Why it was aborted, if not by the operator. */
  reason: text(),
});

/** Of these the database refuses every change but the mover's. They may overlap. */
export const closedShards = sqliteTable(
  "closed_shards",
  { first: integer().notNull(), last: integer().notNull() },
  (t) => [primaryKey({ columns: [t.first, t.last] })],
);

/** The database's part in a move. The row stays, so that a step of long ago that comes late finds that it is late. */
export const movingShards = sqliteTable("moving_shards", {
  move: integer().primaryKey(),
  first: integer().notNull(),
  last: integer().notNull(),
  /** The place in PHASES of the furthest step that was here. */
  phase: integer().notNull(),
  /** The step that came last: what an earlier one still writes is refused. */
  holder: text().notNull(),
  /** Whether changes are noted. */
  noting: integer({ mode: "boolean" }).notNull(),
  /** At the target, once published: up to which like the digests have moved. */
  settled: text().notNull(),
});

/** Keys of rows that have changed, oldest first. */
export const notedChanges = sqliteTable("noted_changes", {
  seq: integer().primaryKey({ autoIncrement: true }),
  /** The table. */
  name: text().notNull(),
  /** JSON: the values of its primary key. */
  key: text().notNull(),
});

/** Empty but inside a transaction of the mover: triggers ask for it. */
export const mover = sqliteTable("mover", { holder: text().primaryKey() });

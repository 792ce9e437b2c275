import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { PersonId } from "../ids.ts";

/**
 * The people who have closed their accounts, in every database and forever, so that nothing that arrives late brings any
 * of them back: see the triggers in migration 0028.
 */
export const closedPeople = sqliteTable(
  "closed_people",
  {
    person: text().$type<PersonId>().primaryKey(),
    /** Grows with each row of theirs that arrives in this database after the closing. */
    late: integer().notNull().default(0),
  },
  (t) => [
    index("closed_people_late")
      .on(t.person)
      .where(sql`late > 0`),
  ],
);

/** How many rows or objects of each kind name a person. */
export type Traces = Record<string, number>;

/** The erasing of a closed account, in the person's shard. Deleted when its proof has been kept long enough. */
export const closings = sqliteTable(
  "closings",
  {
    person: text().$type<PersonId>().primaryKey(),
    /** Reserved until this is null. */
    handle: text(),
    /** In ms since 1970. */
    closedAt: integer("closed_at").notNull(),
    /** When nothing was left, in ms since 1970; null while it is being erased. */
    doneAt: integer("done_at"),
    /** What there was when the erasing began, and what was left when it was last counted. */
    before: text({ mode: "json" }).$type<Traces>(),
    remaining: text({ mode: "json" }).$type<Traces>(),
  },
  (t) => [index("closings_by_time").on(t.closedAt)],
);

import { type SQL, sql } from "drizzle-orm";
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core";
import { closedPeople } from "../tables/closings.ts";

/** SQL: whether the account of `person` is open. Costs a look into a table that every database has. */
export const isOpenSql = (person: SQL | AnySQLiteColumn): SQL =>
  sql`NOT EXISTS (SELECT 1 FROM ${closedPeople} WHERE ${closedPeople.person} = ${person})`;

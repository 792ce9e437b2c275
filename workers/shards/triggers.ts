import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { IS_MOVING } from "../../schema/d1/shard-sql.ts";
import { list, literal, textOf } from "../../schema/d1/sql.ts";
import { closedShards, mover, movingShards, notedChanges } from "../../schema/tables/shards.ts";
import { MOVED_TABLES, type MovedTable } from "./tables.ts";

const EVENTS = ["INSERT", "UPDATE", "DELETE"] as const;

/**
 * Statements that create the triggers a database needs to take part in a move. On each table they reject changes to
 * closed shards and note changes to shards that are being copied, unless the mover itself makes them. They are never
 * dropped, because a database permanently rejects writes for shards that it has given away. They cost each written row
 * a look into two tables, which are empty or have a few rows.
 */
export const triggerStatements = (): Statement[] =>
  MOVED_TABLES.flatMap((table) =>
    EVENTS.flatMap((event) => [
      statement(`DROP TRIGGER IF EXISTS ${nameOf(table, event)}`),
      statement(triggerSql(table, event)),
    ]),
  );

const nameOf = ({ name }: MovedTable, event: string): string => `${name}_moves_${event.toLowerCase()}`;

// The triggers run after the change, so that a statement that changes nothing is not rejected. No statement changes a
// primary key, so for an update the new row is enough.
function triggerSql(table: MovedTable, event: (typeof EVENTS)[number]): string {
  const row = event === "DELETE" ? "old." : "new.";
  const shard = sql.raw(table.shardSql(row));
  const key = sql.raw(table.keys.map((column) => `${row}"${column}"`).join(", "));
  return textOf(sql`
    CREATE TRIGGER ${sql.identifier(nameOf(table, event))} AFTER ${sql.raw(event)} ON ${sql.identifier(table.name)}
    WHEN NOT EXISTS (SELECT 1 FROM ${mover}) BEGIN
      SELECT RAISE(ABORT, ${literal(IS_MOVING)}) FROM ${closedShards}
      WHERE ${shard} BETWEEN ${closedShards.first} AND ${closedShards.last};
      INSERT INTO ${notedChanges} (${list(notedChanges.name, notedChanges.key)})
      SELECT ${literal(table.name)}, json_array(${key}) FROM ${movingShards}
      WHERE ${movingShards.noting} = 1 AND ${shard} BETWEEN ${movingShards.first} AND ${movingShards.last};
    END`);
}

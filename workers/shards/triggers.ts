import { IS_MOVING } from "../../schema/d1/shard-sql.ts";
import { MOVED, type MovedTable } from "./tables.ts";

const EVENTS = ["INSERT", "UPDATE", "DELETE"] as const;

/**
 * Statements that create the triggers a database needs to take part in a move. On each table they reject changes to
 * closed shards and note changes to shards that are being copied, unless the mover itself makes them. They are never
 * dropped, because a database permanently rejects writes for shards that it has given away. They cost each written row
 * a look into two tables, which are empty or have a few rows.
 */
export const triggerStatements = (database: D1Database): D1PreparedStatement[] =>
  MOVED.flatMap((table) =>
    EVENTS.flatMap((event) => [
      database.prepare(`DROP TRIGGER IF EXISTS ${nameOf(table, event)}`),
      database.prepare(triggerSql(table, event)),
    ]),
  );

const nameOf = ({ name }: MovedTable, event: string): string => `${name}_moves_${event.toLowerCase()}`;

// The triggers run after the change, so that a statement that changes nothing is not rejected. No statement changes a
// primary key, so for an update the new row is enough.
function triggerSql(table: MovedTable, event: (typeof EVENTS)[number]): string {
  const row = event === "DELETE" ? "old." : "new.";
  const shard = table.shardSql(row);
  const key = table.keys.map((column) => `${row}"${column}"`).join(", ");
  return `CREATE TRIGGER ${nameOf(table, event)} AFTER ${event} ON ${table.name}
    WHEN NOT EXISTS (SELECT 1 FROM mover) BEGIN
      SELECT RAISE(ABORT, '${IS_MOVING}') FROM closed_shards WHERE ${shard} BETWEEN first AND last;
      INSERT INTO noted_changes (name, key) SELECT '${table.name}', json_array(${key})
      FROM moving_shards WHERE noting = 1 AND ${shard} BETWEEN first AND last;
    END`;
}

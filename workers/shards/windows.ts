/** Walks over the rows of a database, table by table in the order of their keys, in windows of bounded size. */
import { statement, type Statement, type Database } from "../../schema/d1/database.ts";
import type { Move } from "./moves.ts";
import { MOVED_TABLES, type MovedTable } from "./tables.ts";

/** Rows of one window, including those that do not move. */
const WINDOW_ROWS = 1000;
/** Limits the queries of one step, because an invocation may make at most 1,000. */
const WINDOWS_PER_STEP = 50;

/** The values of a primary key, in the order of its columns. */
export type Key = (string | number)[];
export type Row = Record<string, string | number | null>;
/** The rows of `table` after `after`, up to and including `end`. Null means from the first row, or to the last. */
export type Window = { table: MovedTable; after: Key | null; end: Key | null };
type Place = { table: number; after: Key | null };
/**
 * Where the walk continues (`place`), how many rows it has handled in this phase, and whether it has reached the end.
 */
export type Walked = { place: string; moved: number; isDone: boolean };

/** Passes `work` the next windows, from `move.place` on, and adds up the row counts that it returns. */
export async function walk(move: Move, database: Database, work: (window: Window) => Promise<number>): Promise<Walked> {
  let { table: index, after }: Place =
    move.place === "" ? { table: 0, after: null } : (JSON.parse(move.place) as Place);
  let { moved } = move;
  for (let windows = 0; windows < WINDOWS_PER_STEP; windows += 1) {
    const table = MOVED_TABLES[index];
    if (!table) break;
    const end = await endOf(database, table, after);
    moved += await work({ table, after, end });
    [index, after] = end ? [index, end] : [index + 1, null];
  }
  return {
    place: JSON.stringify({ table: index, after } satisfies Place),
    moved,
    isDone: index === MOVED_TABLES.length,
  };
}

/** Returns the key of the last row of the window after `after`, or null if the window is the last of its table. */
async function endOf(database: Database, table: MovedTable, after: Key | null): Promise<Key | null> {
  const keys = columns(table);
  const rest = bounds({ table, after, end: null });
  const window = await database.patient.first<{ end: string; rows: number }>(
    `SELECT json_array(${keys}) AS "end", count(*) OVER () AS rows FROM (
         SELECT ${keys} FROM ${table.name} WHERE ${rest.sql} ORDER BY ${keys} LIMIT ${WINDOW_ROWS})
       ORDER BY ${descending(table)} LIMIT 1`,
    ...rest.values,
  );
  return window?.rows === WINDOW_ROWS ? (JSON.parse(window.end) as Key) : null;
}

/** Reads the rows of the window that move. */
export function rowsIn(database: Database, move: Move, window: Window): Promise<Row[]> {
  const { sql, values } = moving(move, window);
  return database.patient.all<Row>(`SELECT * FROM ${window.table.name} WHERE ${sql}`, ...values);
}

/** Deletes the rows of the window that move. */
export const deleteIn = (move: Move, window: Window): Statement => {
  const { sql, values } = moving(move, window);
  return statement(`DELETE FROM ${window.table.name} WHERE ${sql}`, ...values);
};

type Condition = { sql: string; values: Key };

function moving({ first, last }: Move, window: Window): Condition {
  const { sql, values } = bounds(window);
  const [from, to] = [values.length + 1, values.length + 2];
  return {
    sql: `${sql} AND ${window.table.shardSql()} BETWEEN ?${from} AND ?${to}`,
    values: [...values, first, last],
  };
}

function bounds({ table, after, end }: Window): Condition {
  const values: Key = [];
  const tuple = (key: Key) => `(${key.map((value) => `?${values.push(value)}`).join(", ")})`;
  const conditions = [
    ...(after ? [`(${columns(table)}) > ${tuple(after)}`] : []),
    ...(end ? [`(${columns(table)}) <= ${tuple(end)}`] : []),
  ];
  return { sql: conditions.join(" AND ") || "true", values };
}

/** The columns of the primary key, as SQL. */
export const columns = ({ keys }: MovedTable): string => keys.map(quoted).join(", ");
const descending = ({ keys }: MovedTable): string => keys.map((column) => `${quoted(column)} DESC`).join(", ");
export const quoted = (column: string): string => `"${column}"`;

/** The largest JSON parameter of a statement, in characters. D1 limits a value to 2 MB. */
const BYTES_MAX = 500_000;

/**
 * Prepares `sql`, which reads `rows` with `json_each(?1)`: one statement for many rows, because a statement takes at
 * most 100 parameters. Rows that are too large for one parameter are spread over several statements.
 */
export function setBased(database: D1Database, sql: string, rows: readonly unknown[]): D1PreparedStatement[] {
  const statements: D1PreparedStatement[] = [];
  let chunk: string[] = [];
  let bytes = 0;
  const close = () => {
    if (chunk.length > 0) statements.push(database.prepare(sql).bind(`[${chunk.join(",")}]`));
    [chunk, bytes] = [[], 0];
  };
  for (const row of rows) {
    const json = JSON.stringify(row);
    if (bytes + json.length > BYTES_MAX) close();
    chunk.push(json);
    bytes += json.length;
  }
  close();
  return statements;
}

import { type Statement, statement } from "./database.ts";

/** The largest JSON parameter of a statement, in characters. D1 limits a value to 2 MB. */
const BYTES_MAX = 500_000;

/**
 * Builds statements of `sql`, which read `rows` with `json_each(?1)` and `values` from ?2 on: one statement for many
 * rows, because a statement takes at most 100 parameters. Rows that are too large for one parameter are spread over
 * several statements.
 */
export function setBased(sql: string, rows: readonly unknown[], ...values: readonly (string | number)[]): Statement[] {
  const statements: Statement[] = [];
  let chunk: string[] = [];
  let bytes = 0;
  const close = () => {
    if (chunk.length > 0) statements.push(statement(sql, `[${chunk.join(",")}]`, ...values));
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

import type { Id } from "../ids.ts";
import { byDatabase } from "./shards.ts";

/**
 * Runs `sql` in each database that holds any of `ids`, and returns all rows. The statement reads its ids with
 * `json_each(?1)` and `values` from ?2 on. Costs one D1 query per database.
 */
export async function queryByIds<Row>(
  env: Env,
  ids: Iterable<Id>,
  sql: string,
  ...values: readonly (string | number)[]
): Promise<Row[]> {
  const queries = [...byDatabase(env, new Set(ids), (id) => id)].map(([database, group]) =>
    database
      .prepare(sql)
      .bind(JSON.stringify(group), ...values)
      .all<Row>(),
  );
  return (await Promise.all(queries)).flatMap(({ results }) => results);
}

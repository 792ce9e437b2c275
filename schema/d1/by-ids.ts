import type { Id } from "../ids.ts";
import { byDatabase } from "./shards.ts";

/**
 * Runs `sql`, which reads ids with `json_each(?1)` and `values` from ?2 on, in each database that holds one of `ids`: one D1
 * query each.
 */
export async function queryByIds<Row>(
  env: Env,
  ids: Iterable<Id>,
  sql: string,
  ...values: readonly (string | number)[]
): Promise<Row[]> {
  const answers = [...byDatabase(env, new Set(ids), (id) => id)].map(([database, group]) =>
    database
      .prepare(sql)
      .bind(JSON.stringify(group), ...values)
      .all<Row>(),
  );
  return (await Promise.all(answers)).flatMap(({ results }) => results);
}

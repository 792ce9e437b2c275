import type { Id } from "./ids.ts";
import { byDatabase } from "./shards.ts";

/** Runs `sql`, which reads ids with `json_each(?1)`, in each database that holds one of `ids`: one D1 query each. */
export async function queryByIds<Row>(env: Env, ids: Iterable<Id>, sql: string): Promise<Row[]> {
  const answers = [...byDatabase(env, new Set(ids), (id) => id)].map(([database, group]) =>
    database.prepare(sql).bind(JSON.stringify(group)).all<Row>(),
  );
  return (await Promise.all(answers)).flatMap(({ results }) => results);
}

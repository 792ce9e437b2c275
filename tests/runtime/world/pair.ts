/** Two separate databases for tests that move shards between them. */
import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { newId, type PersonId } from "../../../schema/ids.ts";
import { readShardMap, shardOfHandle } from "../../../schema/d1/shards.ts";
import { d1Of } from "../stores/d1.ts";
import { createPerson } from "../../../workers/api/accounts/sign-up.ts";
import { MOVED_TABLES } from "../../../workers/shards/tables.ts";
import { randomHandle } from "./people.ts";

type Bound = Env & { DB_A: D1Database; DB_B: D1Database; TEST_MIGRATIONS: D1Migration[] };
const { DB_A, DB_B, TEST_MIGRATIONS } = env as Bound;

export type Pair = Env & { DB_1: D1Database; ADMIN_TOKEN: string };
export const PAIR: Pair = {
  ...env,
  DB: DB_A,
  DB_1: DB_B,
  SHARDS: "DB:0-8191 DB_1",
  ADMIN_TOKEN: "the-operator-of-two",
};

/** Empties both databases and assigns all shards to the first. */
export async function emptyPair(): Promise<Pair> {
  for (const database of [DB_A, DB_B]) {
    const { results } = await database
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .all<{ name: string }>();
    if (results.length > 0) await database.batch(results.map(({ name }) => database.prepare(`DROP TABLE ${name}`)));
    await applyD1Migrations(database, TEST_MIGRATIONS);
  }
  await readShardMap(PAIR);
  return PAIR;
}

/** Returns the rows of all tables that move, by `table key`, as JSON. */
export async function rowsOf(database: D1Database): Promise<Map<string, string>> {
  const tables = await database.batch<Record<string, unknown>>(
    MOVED_TABLES.map(({ name, shardSql }) => database.prepare(`SELECT *, ${shardSql()} AS shard FROM ${name}`)),
  );
  return new Map(
    tables.flatMap(({ results }, index) => {
      const { name = "", keys = [] } = MOVED_TABLES[index] ?? {};
      return results.map((row) => {
        const key = keys.map((column) => row[column]).join(" ");
        return [`${name} ${key}`, JSON.stringify(row)] as const;
      });
    }),
  );
}

/** Returns the logical shard of a row from `rowsOf`. */
export const shardIn = (row: string): number => (JSON.parse(row) as { shard: number }).shard;

/** Signs up a person in this shard. */
export async function personIn(world: Env, shard: number): Promise<{ id: PersonId; handle: string; token: string }> {
  for (;;) {
    const handle = randomHandle();
    const id = newId<PersonId>(shard);
    await d1Of(world, shardOfHandle(handle))
      .prepare("INSERT INTO handles (handle, person) VALUES (?, ?)")
      .bind(handle, id)
      .run();
    const token = await createPerson(world, { id, handle, name: handle }, "not a hash");
    if (token) return { id, handle, token };
  }
}

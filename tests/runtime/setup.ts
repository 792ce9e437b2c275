import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { databases, renewShards } from "../../schema/d1/shards.ts";

const { TEST_MIGRATIONS } = env as Env & { TEST_MIGRATIONS: D1Migration[] };
for (const database of databases(env)) await applyD1Migrations(database, TEST_MIGRATIONS);
await renewShards(env);

import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { refreshShardMap } from "../../schema/d1/shards.ts";
import { prepareToTell } from "../../workers/storage/issued-tokens.ts";
import { allD1 } from "./stores/d1.ts";

const { TEST_MIGRATIONS } = env as Env & { TEST_MIGRATIONS: D1Migration[] };
for (const database of allD1(env)) await applyD1Migrations(database, TEST_MIGRATIONS);
await refreshShardMap(env);
await prepareToTell(env); // Or the first test that counts queries would count this one.

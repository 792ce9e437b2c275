import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

// Files of other projects for the tests of our parsers; not part of the repository, and those tests are skipped without it.
const CORPUS = fileURLToPath(new URL("../shared/corpus", import.meta.url));

// As wrangler bundles it: by the field `browser` of its package, without files of Node.
const MEDIABUNNY = fileURLToPath(
  import.meta.resolve("mediabunny").replace(/modules\/src\/index.js$/, "bundles/mediabunny.mjs"),
);

/** What is the same however many databases there are: it has none, or, moving shards, two of its own. */
const WITHOUT_SHARDS = [
  "workers/shards/**",
  "durable-objects/{post,upload}/**",
  "workers/push/{answers,encryption,quiet-hours,services,vapid}.test.ts",
  "workers/media/**/{accept,corpus-broken,corpus-valid,formats,ranges}.test.ts",
  "workers/media/serving/video.test.ts",
  "workers/media/videos/{attacks,damage,video}.test.ts",
  "schema/media/file-signatures.test.ts",
  "workers/storage/{fresh-ids,secrets}.test.ts",
  "workers/operations/consume.test.ts",
  "workers/http/{cursors,json-bodies}.test.ts",
  "workers/api/**/{attempts,dead-letters,passwords,sessions,status,uploads}.test.ts",
];

/** What needs no runtime, and is cheaper without: the parsers of files, which are given thousands. */
const PURE = "**/*.node.test.ts";

/** Long ones, which two databases can only make harder. */
const WITH_SHARDS_ALONE = [
  "tests/runtime/private-matrix.test.ts",
  "workers/api/**/{comments,edits,live,notifications,private,sign-up}.test.ts",
  "workers/{feeds,relations}/{block,fan-out,follow,follow-requests,large-authors}.test.ts",
  "workers/projector/projector.test.ts",
];

/** Tests that run inside workerd, on the bindings of wrangler.toml. The second project splits the rows over two databases. */
function inRuntime(name: string, shards: string) {
  return {
    resolve: { alias: { mediabunny: MEDIABUNNY } },
    plugins: [
      cloudflareTest(async () => ({
        wrangler: { configPath: "./wrangler.toml" },
        miniflare: {
          d1Databases: { DB: "db", DB_1: "db-1", DB_A: "db-a", DB_B: "db-b" },
          bindings: {
            SHARDS: shards,
            TEST_MIGRATIONS: await readD1Migrations("schema/migrations"),
            WHOLE_CORPUS: process.env.WHOLE_CORPUS ?? "",
          },
          ...(existsSync(CORPUS) && { serviceBindings: { CORPUS: { disk: { path: CORPUS, writable: false } } } }),
        },
      })),
    ],
    test: {
      name,
      include: ["{schema,workers,durable-objects}/**/*.test.ts", "tests/runtime/**/*.test.ts"],
      exclude: [PURE, ...(shards === "DB" ? WITH_SHARDS_ALONE : WITHOUT_SHARDS)],
      setupFiles: ["tests/runtime/setup.ts"],
      testTimeout: 30_000,
      // A workerd of its own for each file would double the time. So storage is shared between files, and each test makes
      // its own people and posts.
      isolate: false,
      maxWorkers: 2, // Two of them share the files, and the processors.
      sequence: { groupOrder: 0 },
    },
  };
}

const SMALL_DISKS = "tests/product/disk-full.test.ts";

/** Tests of the running product, from outside: over HTTP and in a browser. They wait more than they compute. */
function ofProduct(name: string, more: object) {
  return {
    test: {
      name,
      include: ["tests/{product,histories,corpus}/**/*.test.ts", "{bench,scripts,web}/**/*.test.ts"],
      testTimeout: 120_000,
      hookTimeout: 120_000,
      ...more,
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      inRuntime("one database", "DB"),
      inRuntime("two databases", "DB:0-4095 DB_1:4096-8191"),
      { test: { name: "pure", include: [PURE], maxWorkers: 1, testTimeout: 30_000 } },
      ofProduct("product", { exclude: [SMALL_DISKS], maxWorkers: 3, sequence: { groupOrder: 1 } }),
      // By itself: a machine that is busy with something else times out before a disk is full.
      ofProduct("small disks", { include: [SMALL_DISKS], sequence: { groupOrder: 2 } }),
    ],
  },
});

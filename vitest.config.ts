import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

// Files from other projects that test our parsers. They are not in the repository; without them those tests are
// skipped.
const CORPUS = fileURLToPath(new URL("../shared/corpus", import.meta.url));

// The build that wrangler bundles, through the `browser` field of the package: it has no code for Node.
const MEDIABUNNY = fileURLToPath(
  import.meta.resolve("mediabunny").replace(/modules\/src\/index.js$/, "bundles/mediabunny.mjs"),
);

/** Tests that do not depend on the number of databases: they use none, or, to move shards, two of their own. */
const ONE_DATABASE_ONLY = [
  "workers/shards/**",
  "durable-objects/{post,upload}/**",
  "workers/push/**/{outcomes,encryption,quiet-hours,services,vapid}.test.ts",
  "workers/media/**/{accept,corpus-broken,corpus-valid,formats,ranges}.test.ts",
  "workers/media/serving/video.test.ts",
  "workers/media/videos/{attacks,damage,video}.test.ts",
  "schema/media/file-signatures.test.ts",
  "workers/storage/{fresh-ids,secrets}.test.ts",
  "workers/operations/consume.test.ts",
  "workers/http/{cursors,json-bodies}.test.ts",
  "workers/api/**/{attempts,dead-letters,sessions,status,uploads}.test.ts",
  "workers/passwords/**",
];

/** Tests that need no runtime and are faster without: those of the file parsers, which read thousands of files. */
const PURE = "**/*.node.test.ts";

/** Long tests that run with two databases only, because that is the harder case. */
const TWO_DATABASES_ONLY = [
  "tests/runtime/access/**",
  "tests/runtime/moderation-matrix.test.ts",
  "tests/runtime/replicas/**",
  "workers/api/accounts/{change-handle,change-password,recovery}.test.ts",
  "workers/api/passkeys/**",
  "workers/api/sessions/own-sessions.test.ts",
  "workers/media/serving/large.test.ts",
  "workers/names/**",
  "workers/api/**/{comments,edits,live,notifications,private,sign-up}.test.ts",
  "workers/closing/{erase-account,late}.test.ts",
  "workers/{feeds,relations}/{block,fan-out,follow,follow-requests,large-authors}.test.ts",
  "workers/projector/projector.test.ts",
];

/** Two databases for tests of replicas: the primary of each is its copy 0. See tests/runtime/stores/replicated.ts. */
const COPIES = Object.fromEntries(
  ["COPY_0_0", "COPY_0_1", "COPY_0_2", "COPY_0_3", "COPY_1_0", "COPY_1_1", "COPY_1_2", "COPY_1_3"].map((name) => [
    name,
    name.toLowerCase().replaceAll("_", "-"),
  ]),
);

/** Tests inside workerd, with the bindings of wrangler.toml. The second project splits the rows over two databases. */
function inRuntime(name: string, shards: string) {
  return {
    resolve: { alias: { mediabunny: MEDIABUNNY } },
    plugins: [
      cloudflareTest(async () => ({
        wrangler: { configPath: "./wrangler.toml" },
        miniflare: {
          d1Databases: { DB: "db", DB_1: "db-1", DB_A: "db-a", DB_B: "db-b", ...COPIES },
          bindings: {
            SHARDS: shards,
            LIMITS: "off", // Tests of limits set them themselves.
            PASSWORD_COST: "ln=4,r=8,p=1",
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
      exclude: [PURE, ...(shards === "DB" ? TWO_DATABASES_ONLY : ONE_DATABASE_ONLY)],
      setupFiles: ["tests/runtime/setup.ts"],
      testTimeout: 30_000,
      hookTimeout: 30_000,
      // Isolated files would each start their own workerd, which takes twice as long. So files share the storage, and
      // each test creates its own people and posts.
      isolate: false,
      maxWorkers: 2, // Two workers share the files, and the processors.
      sequence: { groupOrder: 0 },
    },
  };
}

const SMALL_DISKS = "tests/product/failures/disk-full.test.ts";

/** Tests of the running product from outside, over HTTP and in a browser. They wait more than they compute. */
function ofProduct(name: string, more: object) {
  return {
    test: {
      name,
      include: ["tests/{product,histories,corpus}/**/*.test.ts", "{bench,scripts,web}/**/*.test.ts"],
      globalSetup: ["tests/product/harness/build-client.ts"],
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
      // Alone, because on a busy machine these tests time out before a disk is full.
      ofProduct("small disks", { include: [SMALL_DISKS], sequence: { groupOrder: 2 } }),
    ],
  },
});

/// <reference types="vite/types/importMeta.d.ts" />
/** The layers of what surrounds the product: scripts, the helpers of its tests, and benchmarks. */
import { layerOf } from "../scripts/structure/imports.ts";
import { testLayers } from "../scripts/structure/layer-tests.ts";

/** From the bottom to the top. A file imports from its own layer and from those below it, never from above. */
const LAYERS = [
  "scripts/paths.ts",
  "scripts/api-client.ts",
  "scripts/process",
  "scripts/local-server",
  "scripts/seed",
  "scripts/operator",
  "scripts/structure",
  "scripts",
  "tests/product/harness",
  "tests/product/failures",
  "tests/histories/recording",
  "tests/histories/linearizable",
  "tests/histories/models",
  "tests/histories",
  "bench/output",
  "bench/load",
  "bench/network",
  "bench/worlds",
  "bench/costs",
  "bench/workers",
  "bench/measurements",
  "bench/reports",
  "bench",
];

const sources = import.meta.glob<string>("/{scripts,tests/product,tests/histories,bench}/**/*.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});
testLayers({
  sources,
  layers: LAYERS,
  isInternal: ({ from }) => layerOf(from, LAYERS) !== -1,
  moreThan: { files: 80, imports: 200 },
});

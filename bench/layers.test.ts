/// <reference types="vite/types/importMeta.d.ts" />
/** The layers of what surrounds the product: scripts, the helpers of its tests, and benchmarks. */
import { expect, it } from "vitest";
import { asText, circlesIn, importsOf, layerOf } from "../tests/runtime/imports.ts";

/** From the bottom to the top. A file imports from its own layer and from those below it, never from above. */
const LAYERS = [
  "scripts/paths.ts",
  "scripts/api-client.ts",
  "scripts/process",
  "scripts/local-server",
  "scripts/seed",
  "scripts/operator",
  "scripts",
  "tests/product/harness",
  "tests/product/failures",
  "tests/histories/recording",
  "tests/histories/linearizable",
  "tests/histories/models",
  "tests/histories",
  "bench/output",
  "bench/load",
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
const { files, imports } = importsOf(sources);
const internal = imports.filter(({ from }) => layerOf(LAYERS, from) !== -1);

it("finds the sources", () => {
  expect(files.length).toBeGreaterThan(80);
  expect(internal.length).toBeGreaterThan(200);
  console.log(`${internal.length} imports between ${files.length} files checked`);
});

it("gives every file a layer", () => {
  expect(files.filter((file) => layerOf(LAYERS, file) === -1)).toEqual([]);
});

it("imports downwards only", () => {
  const upwards = internal.filter(({ file, from }) => layerOf(LAYERS, from) > layerOf(LAYERS, file));
  expect(upwards.map(asText)).toEqual([]);
});

it("has no circle of imports", () => {
  expect(circlesIn(internal)).toEqual([]);
});

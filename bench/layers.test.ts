/// <reference types="vite/types/importMeta.d.ts" />
/** The layers of what surrounds the product: scripts, the helpers of its tests, and benchmarks. */
import { expect, it } from "vitest";
import { asText, circlesOf, importsOf, layerOf, upwardImports } from "../scripts/structure/imports.ts";

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
const files = Object.entries(sources).flatMap(([path, source]) =>
  /\.test\.tsx?$/.test(path) ? [] : [{ file: path.slice(1), source }],
);
const imports = importsOf(files);
const internal = imports.filter(({ from }) => layerOf(from, LAYERS) !== -1);

it("finds the sources", () => {
  expect(files.length).toBeGreaterThan(80);
  expect(internal.length).toBeGreaterThan(200);
  console.log(`${internal.length} imports between ${files.length} files checked`);
});

it("gives every file a layer", () => {
  expect(files.filter(({ file }) => layerOf(file, LAYERS) === -1).map(({ file }) => file)).toEqual([]);
});

it("imports downwards only", () => {
  expect(upwardImports(internal, LAYERS).map(asText)).toEqual([]);
});

it("has no circle of imports", () => {
  expect(circlesOf(internal)).toEqual([]);
});

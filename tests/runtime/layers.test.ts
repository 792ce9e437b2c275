/// <reference types="vite/types/importMeta.d.ts" />
/** The layers of the product: what a file may import, type imports included. */
import { expect, it } from "vitest";
import { asText, circlesIn, importsOf, layerOf } from "./imports.ts";

/** From the bottom to the top. A file imports from its own layer and from those below it, never from above. */
const LAYERS = [
  "schema",
  "schema/live",
  "schema/media",
  "schema/messages",
  "schema/tables",
  "schema/api",
  "schema/d1",
  "durable-objects/upload",
  "durable-objects/post",
  "durable-objects/live",
  "workers/storage",
  "workers/http",
  "workers/operations",
  "workers/reads",
  "workers/notifications",
  "workers/push",
  "workers/media",
  "workers/feeds",
  "workers/relations",
  "workers/projector",
  "workers/shards",
  "workers/responses",
  "workers/api/accounts",
  "workers/api/people",
  "workers/api/posts",
  "workers/api/live",
  "workers/api/notifications",
  "workers/api/media",
  "workers/api/operations",
  "workers",
];

const sources = import.meta.glob<string>("/{workers,durable-objects,schema}/**/*.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});

const { files, imports } = importsOf(sources);
const internal = imports.filter(({ from }) => /^(workers|durable-objects|schema)\//.test(from));

it("finds the sources", () => {
  expect(files.length).toBeGreaterThan(250);
  expect(internal.length).toBeGreaterThan(800);
  console.log(`${internal.length} imports between ${files.length} files checked`);
});

it("gives every file a layer", () => {
  expect(files.filter((file) => layerOf(LAYERS, file) === -1)).toEqual([]);
});

it("imports downwards only", () => {
  expect(internal.filter(({ file, from }) => layerOf(LAYERS, from) > layerOf(LAYERS, file)).map(asText)).toEqual([]);
});

it("has no circle of imports", () => {
  expect(circlesIn(internal)).toEqual([]);
});

it("knows actors by their types alone, but for the Worker that exports them", () => {
  const found = internal.filter(
    ({ file, from, isType }) =>
      file.startsWith("workers/") && from.startsWith("durable-objects/") && !isType && file !== "workers/index.ts",
  );
  expect(found.map(asText)).toEqual([]);
});

it("uses the platform's own modules only where they belong", () => {
  const home = /^(durable-objects\/|workers\/index\.ts)/;
  expect(imports.filter(({ file, from }) => from.startsWith("cloudflare:") && !home.test(file)).map(asText)).toEqual(
    [],
  );
  const passwords = "workers/api/accounts/passwords.ts";
  expect(imports.filter(({ file, from }) => from.startsWith("node:") && file !== passwords).map(asText)).toEqual([]);
});

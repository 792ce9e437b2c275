/// <reference types="vite/types/importMeta.d.ts" />
/** The layers of the product: what a file may import, type imports included. */
import { expect, it } from "vitest";
import { circlesOf, type Import, importsOf, isInternal, layerOf, upwardImports } from "../../scripts/layers.ts";

const sources = import.meta.glob<string>("/{workers,durable-objects,schema}/**/*.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});

const product = Object.entries(sources).flatMap(([path, source]) =>
  path.endsWith(".test.ts") ? [] : [{ file: path.slice(1), source }],
);
const imports = importsOf(product);
const internal = imports.filter(isInternal);

const told = ({ file, from }: Import): string => `${file} imports ${from}`;

it("finds the sources", () => {
  expect(product.length).toBeGreaterThan(250);
  expect(internal.length).toBeGreaterThan(800);
  console.log(`${internal.length} imports between ${product.length} files checked`);
});

it("gives every file a layer", () => {
  expect(product.filter(({ file }) => layerOf(file) === -1).map(({ file }) => file)).toEqual([]);
});

it("imports downwards only", () => {
  expect(upwardImports(internal).map(told)).toEqual([]);
});

it("has no circle of imports", () => {
  expect(circlesOf(internal).map((circle) => circle.join(" and "))).toEqual([]);
});

it("knows actors by their types alone, but for the Worker that exports them", () => {
  const found = internal.filter(
    ({ file, from, isType }) =>
      file.startsWith("workers/") && from.startsWith("durable-objects/") && !isType && file !== "workers/index.ts",
  );
  expect(found.map(told)).toEqual([]);
});

it("uses the platform's own modules only where they belong", () => {
  const home = /^(durable-objects\/|workers\/index\.ts)/;
  expect(imports.filter(({ file, from }) => from.startsWith("cloudflare:") && !home.test(file)).map(told)).toEqual([]);
  const passwords = "workers/api/accounts/passwords.ts";
  expect(imports.filter(({ file, from }) => from.startsWith("node:") && file !== passwords).map(told)).toEqual([]);
});

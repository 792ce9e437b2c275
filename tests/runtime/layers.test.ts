/// <reference types="vite/types/importMeta.d.ts" />
/** The layers of the product: what a file may import, type imports included. */
import { expect, it } from "vitest";
import { asText } from "../../scripts/structure/imports.ts";
import { testLayers } from "../../scripts/structure/layer-tests.ts";
import { isInternal, LAYERS } from "../../scripts/structure/layers.ts";

const sources = import.meta.glob<string>("/{workers,durable-objects,schema}/**/*.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});
const { files, imports, internal } = testLayers({
  sources,
  layers: LAYERS,
  isInternal,
  moreThan: { files: 250, imports: 800 },
});

it("imports only the types of actors, except in the Worker that exports them", () => {
  const found = internal.filter(
    ({ file, from, isType }) =>
      file.startsWith("workers/") && from.startsWith("durable-objects/") && !isType && file !== "workers/index.ts",
  );
  expect(found.map(asText)).toEqual([]);
});

it("imports platform modules only where they belong", () => {
  const home = /^(durable-objects\/|workers\/index\.ts|workers\/media\/serving\/stored-media\.ts)/;
  expect(imports.filter(({ file, from }) => from.startsWith("cloudflare:") && !home.test(file)).map(asText)).toEqual(
    [],
  );
  const passwords = /^workers\/passwords\/(?:passwords|scrypt)\.ts$/;
  expect(imports.filter(({ file, from }) => from.startsWith("node:") && !passwords.test(file)).map(asText)).toEqual([]);
});

it("reaches D1 through one door", () => {
  const bypass = /\bD1(?:Database|PreparedStatement|Result)\b|\.prepare\(|\.withSession\(|\bdrizzle\(/;
  const bypassing = files.filter(({ file, source }) => !file.startsWith("schema/d1/") && bypass.test(source));
  expect(bypassing.map(({ file }) => file)).toEqual([]);
});

it("reads the rows that travel to a statement by the names of their fields", () => {
  expect(files.filter(({ source }) => /value ->>? \d|'\$\[\d/.test(source)).map(({ file }) => file)).toEqual([]);
});

/// <reference types="vite/types/importMeta.d.ts" />
/** The layers of the product: what a file may import, type imports included. */
import { expect, it } from "vitest";

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
  "workers/media/files",
  "workers/media/bytes",
  "workers/media/uploads",
  "workers/media/pictures/formats",
  "workers/media/pictures",
  "workers/media/videos/containers",
  "workers/media/videos",
  "workers/media/inspection",
  "workers/media/serving",
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

type Import = { file: string; from: string; isType: boolean };

const product = Object.entries(sources).flatMap(([path, source]) =>
  path.endsWith(".test.ts") ? [] : [{ file: path.slice(1), source }],
);
const imports: Import[] = product.flatMap(({ file, source }) =>
  [...source.matchAll(/^(?:import|export) (type )?[^;]*?from "([^"]+)";/gms)].map(([, type, from = ""]) => ({
    file,
    from: from.startsWith(".") ? new URL(from, `file:///${file}`).pathname.slice(1) : from,
    isType: type !== undefined,
  })),
);
const internal = imports.filter(({ from }) => /^(workers|durable-objects|schema)\//.test(from));

/** The index of the innermost layer that holds the file; -1 when none does. */
function layerOf(file: string): number {
  const folders = LAYERS.map((layer, index) => ({ layer, index })).filter(({ layer }) => file.startsWith(`${layer}/`));
  return folders.reduce((found, next) => (next.layer.length > (LAYERS[found]?.length ?? 0) ? next.index : found), -1);
}

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
  expect(internal.filter(({ file, from }) => layerOf(from) > layerOf(file)).map(told)).toEqual([]);
});

it("has no circle of imports", () => {
  const targets = new Map<string, string[]>();
  for (const { file, from } of internal) targets.set(file, [...(targets.get(file) ?? []), from]);
  const [done, path]: [Set<string>, string[]] = [new Set(), []];
  const circles: string[] = [];
  const visit = (file: string): void => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of targets.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const { file } of product) visit(file);
  expect(circles).toEqual([]);
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

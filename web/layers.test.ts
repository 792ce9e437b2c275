/** The layers of the web client: what a file may import, type imports included. */
import { expect, it } from "vitest";
import { asText, circlesOf, importsOf, layerOf, upwardImports } from "../scripts/structure/imports.ts";

/** From the bottom to the top. A file imports from its own layer and from those below it, never from above. */
const LAYERS = [
  "web/service-worker",
  "web/limits.ts",
  "web/words",
  "web/browser",
  "web/api",
  "web/uploads",
  "web/state",
  "web/components/common",
  "web/components/controls",
  "web/components/people",
  "web/components/media",
  "web/components/posts",
  "web/components/comments",
  "web/components/new-post",
  "web/components/notifications",
  "web/components/frame",
  "web/operator",
  "web/pages",
  "web/app.tsx",
  "web/main.tsx",
];

const sources = import.meta.glob<string>(["/web/**/*.{ts,tsx}", "!/web/vite.config.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const files = Object.entries(sources).flatMap(([path, source]) =>
  /\.test\.tsx?$/.test(path) ? [] : [{ file: path.slice(1), source }],
);
const imports = importsOf(files);
const internal = imports.filter(({ from }) => from.startsWith("web/"));

it("finds the sources", () => {
  expect(files.length).toBeGreaterThan(100);
  expect(internal.length).toBeGreaterThan(300);
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

it("takes only the schema from the rest of the product", () => {
  const others = /^(workers|durable-objects|scripts|bench|tests)\//;
  expect(imports.filter(({ from }) => others.test(from)).map(asText)).toEqual([]);
});

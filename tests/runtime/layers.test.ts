/// <reference types="vite/types/importMeta.d.ts" />
import { expect, it } from "vitest";

const sources = import.meta.glob<string>(["/workers/**/*.ts", "/durable-objects/**/*.ts", "/schema/**/*.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const product = Object.entries(sources).filter(([file]) => !file.endsWith(".test.ts"));
const imports = (source: string) => [...source.matchAll(/^(?:import|export) (type )?[^;]*?from "([^"]+)";/gms)];
const offenders = (folder: string, offends: (from: string, type: boolean, file: string) => boolean) =>
  product.flatMap(([file, source]) =>
    file.startsWith(folder)
      ? imports(source).flatMap(([, type, from]) =>
          from && offends(from, type !== undefined, file) ? [`${file} imports ${from}`] : [],
        )
      : [],
  );

it("finds the sources", () => {
  expect(product.length).toBeGreaterThan(40);
  expect(product.flatMap(([, source]) => imports(source)).length).toBeGreaterThan(150);
});

it("imports downwards only: workers -> durable-objects -> schema", () => {
  expect(offenders("/schema/", (from) => /\/(workers|durable-objects)\//.test(from))).toEqual([]);
  expect(offenders("/durable-objects/", (from) => from.includes("/workers/"))).toEqual([]);
});

it("knows actors by their types alone, but for the Worker that exports them", () => {
  const found = offenders(
    "/workers/",
    (from, type, file) => from.includes("/durable-objects/") && !type && file !== "/workers/index.ts",
  );
  expect(found).toEqual([]);
});

it("uses the platform's own modules only where they belong", () => {
  const home = /^\/(durable-objects\/|workers\/index\.ts)/;
  expect(offenders("/", (from, _, file) => from.startsWith("cloudflare:") && !home.test(file))).toEqual([]);
  expect(
    offenders("/", (from, _, file) => from.startsWith("node:") && file !== "/workers/api/accounts/passwords.ts"),
  ).toEqual([]);
});

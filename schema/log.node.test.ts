/// <reference types="vite/types/importMeta.d.ts" />
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LINES_PER_MINUTE, logError, logWarning } from "./log.ts";

const warn = vi.spyOn(console, "warn");
const error = vi.spyOn(console, "error");
beforeEach(() => {
  for (const spy of [warn, error]) spy.mockReset().mockReturnValue();
  vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const detailsOf = (spy: typeof warn) => spy.mock.calls.map(([, details]) => details as Record<string, unknown>);

it("writes a few lines a minute of each kind of failure, and counts the others", () => {
  for (let n = 0; n < LINES_PER_MINUTE + 5; n += 1) logWarning("queue not reached", { n });
  logWarning("another failure", { n: 0 });
  expect(detailsOf(warn).map(({ n }) => n)).toEqual([...Array.from({ length: LINES_PER_MINUTE }, (_, n) => n), 0]);
  expect(detailsOf(warn)[LINES_PER_MINUTE - 1]).toHaveProperty("note");

  vi.setSystemTime(Date.now() + 60_000);
  for (let n = 0; n < 2; n += 1) logWarning("queue not reached", { n });
  expect(detailsOf(warn).slice(-2)).toEqual([{ n: 0, leftOut: 5 }, { n: 1 }]);
});

it("shortens long details, and keeps those that are no text", () => {
  logError("message failed", { error: "x".repeat(100_000), attempts: 3 });
  const [details] = detailsOf(error);
  expect(String(details?.["error"]).length).toBeLessThan(1100);
  expect(details).toMatchObject({ attempts: 3 });
});

it("bounds its own memory, whatever the texts are", () => {
  for (let n = 0; n < 1000; n += 1) logError(`failure ${n}`, {});
  expect(error).toHaveBeenCalledTimes(1000);
});

it("is the only way to log a warning or an error", () => {
  const sources = import.meta.glob<string>("/{workers,durable-objects,schema}/**/*.ts", {
    query: "?raw",
    import: "default",
    eager: true,
  });
  const files = Object.entries(sources).filter(([path]) => !path.endsWith(".test.ts") && path !== "/schema/log.ts");
  expect(files.length).toBeGreaterThan(200);
  expect(files.flatMap(([path, source]) => (/console\.(?:warn|error|log|info)\(/.test(source) ? path : []))).toEqual(
    [],
  );
});

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { emptyPair, PAIR } from "../../tests/runtime/world/pair.ts";
import { MAP_LASTS, MAP_LEASE, parseShards, refreshShardMap, withMoved } from "./shards.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";

beforeEach(async () => {
  await emptyPair();
  vi.useFakeTimers({ now: Date.now() + MAP_LEASE, toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const moved = (first: number, last: number, phase: string) =>
  PAIR.DB.prepare(
    "INSERT INTO shard_moves (first, last, source, target, phase, place, moved) VALUES (?, ?, 'DB', 'DB_1', ?, '', 0)",
  )
    .bind(first, last, phase)
    .run();

it("parses a single database, ranges, and a database without shards", () => {
  expect(parseShards("DB")).toEqual({ bindings: ["DB"], ranges: [{ binding: "DB", first: 0, last: 8191 }] });
  expect(parseShards("DB_1:4096-8191 DB:0-4095").ranges.map(({ binding }) => binding)).toEqual(["DB", "DB_1"]);
  expect(parseShards("DB:0-8191 DB_1").bindings).toEqual(["DB", "DB_1"]);
  for (const wrong of ["", "DB DB_1", "DB:0-4095", "DB:0-4095 DB_1:4097-8191", "DB:0-8191 DB_1:9-9", "DB:x"]) {
    expect(() => parseShards(wrong)).toThrow("SHARDS");
  }
});

it("cuts a moved range out of the existing ranges", () => {
  const ranges = [{ binding: "DB", first: 0, last: 8191 }];
  const once = withMoved(ranges, { binding: "DB_1", first: 100, last: 199 });
  const twice = withMoved(once, { binding: "DB_2", first: 150, last: 8191 });
  expect(twice.map(({ binding, first, last }) => `${binding}:${first}-${last}`)).toEqual([
    "DB:0-99",
    "DB_1:100-149",
    "DB_2:150-8191",
  ]);
});

it("queries nothing with one database", async () => {
  const session = vi.spyOn(env.DB, "withSession");
  const prepare = vi.spyOn(env.DB, "prepare");
  await refreshShardMap({ ...env, SHARDS: "DB" });
  expect([session.mock.calls, prepare.mock.calls]).toEqual([[], []]);
});

it("refreshes the map now and then, and only a request after the lease waits for it", async () => {
  const session = vi.spyOn(PAIR.DB, "withSession");
  const background: Promise<unknown>[] = [];
  const request = () => refreshShardMap(PAIR, { waitUntil: (promise) => background.push(promise) });
  await request();
  await request();
  expect([session.mock.calls.length, background.length]).toEqual([1, 0]);
  later(MAP_LEASE - 1000);
  await Promise.all([request(), request(), request()]);
  await Promise.all(background);
  expect([session.mock.calls.length, background.length]).toEqual([2, 1]);
  later(MAP_LEASE);
  await request();
  expect([session.mock.calls.length, background.length]).toEqual([3, 1]);
});

it("follows published moves only", async () => {
  await moved(10, 20, "fenced");
  await moved(30, 40, "published");
  await moved(50, 60, "aborted");
  await refreshShardMap(PAIR);
  expect([15, 35, 55].map((shard) => d1Of(PAIR, shard) === PAIR.DB_1)).toEqual([false, true, false]);
});

it("uses the last map for a while when it cannot be read, and then rejects", async () => {
  vi.spyOn(console, "warn").mockReturnValue();
  await refreshShardMap(PAIR);
  vi.spyOn(PAIR.DB, "withSession").mockImplementation(() => {
    throw new Error("Network connection lost.");
  });
  later(MAP_LASTS - 1000);
  await refreshShardMap(PAIR);
  later(2000);
  await expect(refreshShardMap(PAIR)).rejects.toThrow("Network connection lost.");
});

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readerFor } from "../../tests/runtime/world/reader.ts";
import { Tiers } from "./tiers.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const FRESH_FOR = 10_000;
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

const keysOf = (count: number) => Array.from({ length: count }, () => crypto.randomUUID());

it("writes a key to KV when it is needed again, and the same value at most every 300 s", async () => {
  const put = vi.spyOn(env.DOCUMENTS, "put");
  const keys = keysOf(3);
  let text = "first";
  const load = () => Promise.resolve(new Map(keys.map((key) => [key, { text }])));
  const tiers = new Tiers<string, { text: string }>({ kv: "test", freshFor: FRESH_FOR, load });
  const writes = async () => {
    put.mockClear();
    await tiers.renew(readerFor(), keys);
    later(FRESH_FOR);
    return put.mock.calls.length;
  };
  expect([await writes(), await writes(), await writes(), await writes()]).toEqual([0, 3, 0, 0]);
  text = "second";
  expect([await writes(), await writes()]).toEqual([3, 0]);
  later(300_000);
  expect(await writes()).toBe(3);
});

it("neither reads nor writes larger sets of keys in KV, however often they are needed", async () => {
  const [put, get] = [vi.spyOn(env.DOCUMENTS, "put"), vi.spyOn(env.DOCUMENTS, "get")];
  const keys = keysOf(4);
  const load = vi.fn(() => Promise.resolve(new Map(keys.map((key) => [key, { key }]))));
  const tiers = new Tiers<string, { key: string }>({ kv: "test", freshFor: FRESH_FOR, load });
  for (let times = 0; times < 3; times += 1) {
    expect((await tiers.get(readerFor(), keys)).size).toBe(4);
    later(FRESH_FOR);
  }
  expect([load.mock.calls.length, put.mock.calls.length, get.mock.calls.length]).toEqual([3, 0, 0]);
});

it("returns the last known value while D1 fails, for an hour", async () => {
  const load = vi.fn((_: unknown, [key = ""]: string[]) => Promise.resolve(new Map([[key, { key }]])));
  const tiers = new Tiers<string, { key: string }>({ freshFor: FRESH_FOR, load });
  const [key = ""] = keysOf(1);
  await tiers.get(readerFor(), [key]);
  load.mockImplementation(() => Promise.reject(new Error("D1_ERROR: Network connection lost.")));
  later(3_600_000);
  const reader = readerFor();
  expect([(await tiers.get(reader, [key])).size, reader.served.isStale]).toEqual([1, true]);
  later(1);
  await expect(tiers.get(readerFor(), [key])).rejects.toThrow("D1_ERROR");
});

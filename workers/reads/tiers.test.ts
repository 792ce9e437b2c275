import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readerFor } from "../../tests/runtime/reader.ts";
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

it("writes to KV what is needed again, but the same no more often than it would be forgotten there", async () => {
  const put = vi.spyOn(env.DOCUMENTS, "put");
  const keys = Array.from({ length: 5 }, () => crypto.randomUUID());
  let text = "first";
  const load = () => Promise.resolve(new Map(keys.map((key) => [key, { text }])));
  const tiers = new Tiers<string, { text: string }>({ kv: "test", freshFor: FRESH_FOR, load });
  const writes = async () => {
    put.mockClear();
    await tiers.get(readerFor(), keys);
    later(FRESH_FOR);
    return put.mock.calls.length;
  };
  expect([await writes(), await writes(), await writes(), await writes()]).toEqual([0, 5, 0, 0]);
  text = "second";
  expect([await writes(), await writes()]).toEqual([5, 0]);
  later(300_000);
  expect(await writes()).toBe(5);
});

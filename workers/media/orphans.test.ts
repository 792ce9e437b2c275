import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { EPOCH, type MediaId, newId, shardOf } from "../../schema/ids.ts";
import { d1Of, allD1 } from "../../tests/runtime/stores/d1.ts";
import { newPerson } from "../../tests/runtime/world/posts.ts";
import { originalKey, PREFIXES } from "./files/objects.ts";
import { collectOrphans } from "./orphans.ts";

const DAY = 24 * 3_600_000;
/** Far from the ids of all other tests. */
let time = Date.UTC(2060, 0, 1);

afterEach(() => {
  vi.restoreAllMocks();
  time += 100 * DAY;
});

/** Stores an original created at `time`, with or without a row, and returns its key. */
async function original(hasRow: boolean): Promise<string> {
  const owner = newPerson();
  const id = newId<MediaId>(shardOf(owner), time);
  if (hasRow) {
    await d1Of(env, id)
      .prepare("INSERT INTO media (id, owner, state, content_type, bytes) VALUES (?, ?, 'ready', 'image/png', 9)")
      .bind(id, owner)
      .run();
  }
  await env.MEDIA.put(originalKey(id), "some bytes");
  return originalKey(id);
}

/** Returns a random source that makes the sweep begin with the originals from just before `time`. */
function loaded(now: number): () => number {
  const throws = [PREFIXES.indexOf("originals/") / PREFIXES.length, (time - DAY - EPOCH) / (now - EPOCH)];
  return () => throws.shift() ?? 0;
}

const sweepAt = (now: number) => collectOrphans(env, now, loaded(now));
const areThere = async (keys: string[]) =>
  (await Promise.all(keys.map((key) => env.MEDIA.head(key)))).map((object) => object !== null);

it("deletes objects without a row after a day, and only those", async () => {
  const keys = [await original(true), await original(false)];
  expect(await sweepAt(time + DAY / 2)).toBe(0);
  expect(await areThere(keys)).toEqual([true, true]);
  expect(await sweepAt(time + 2 * DAY)).toBe(1);
  expect(await areThere(keys)).toEqual([true, false]);
});

it("can begin anywhere, even between two milliseconds", async () => {
  expect(await collectOrphans(env, EPOCH + 3, () => 0.5)).toBe(0);
});

it("deletes nothing when too many objects have no row", async () => {
  const error = vi.spyOn(console, "error").mockReturnValue();
  const keys = await Promise.all(Array.from({ length: 25 }, () => original(false)));
  expect(await sweepAt(time + 2 * DAY)).toBe(0);
  expect(await areThere(keys)).not.toContain(false);
  expect(error).toHaveBeenCalledOnce();
  await env.MEDIA.delete(keys);
});

it("deletes nothing while a database is down", async () => {
  const key = await original(false);
  for (const database of allD1(env)) {
    vi.spyOn(database, "prepare").mockImplementation(() => {
      throw new Error("D1 is down");
    });
  }
  await expect(sweepAt(time + 2 * DAY)).rejects.toThrow("D1 is down");
  expect(await areThere([key])).toEqual([true]);
});

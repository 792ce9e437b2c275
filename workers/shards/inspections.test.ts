/** An inspection that takes longer than an isolate may use its shard map. */
import { afterEach, expect, it, vi } from "vitest";
import { type EffectId, type MediaId, newId } from "../../schema/ids.ts";
import { png } from "../../tests/runtime/media/media.ts";
import { emptyPair } from "../../tests/runtime/world/pair.ts";
import { inspectMedia } from "../media/inspection/inspect.ts";
import { originalKey } from "../media/files/objects.ts";

const SHARD = 5000;

afterEach(() => {
  vi.restoreAllMocks();
});

it("finds a file whose row moves to another database meanwhile, and does not treat it as deleted", async () => {
  const world = await emptyPair();
  const [id, now] = [newId<MediaId>(SHARD), Date.now()];
  const file = await png(3, 2);
  await world.MEDIA.put(originalKey(id), file);
  const insert = (database: D1Database) =>
    database
      .prepare("INSERT INTO media (id, owner, state, content_type, bytes) VALUES (?, ?, 'uploaded', 'image/png', ?)")
      .bind(id, newId(SHARD), file.byteLength)
      .run();
  await insert(world.DB);
  const moved = async () => {
    await insert(world.DB_1);
    await world.DB.batch([
      world.DB.prepare("INSERT INTO shard_moves VALUES (1, 4096, 8191, 'DB', 'DB_1', 'done', '', 1, 1, NULL, NULL)"),
      world.DB.prepare("DELETE FROM media WHERE id = ?").bind(id),
    ]);
    vi.spyOn(Date, "now").mockReturnValue(now + 60_000);
  };
  let moving: Promise<void> | undefined;
  const reading = new Proxy(world.MEDIA, {
    get: (bucket, name) => {
      const value: unknown = Reflect.get(bucket, name);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        await (moving ??= moved());
        return Reflect.apply(value, bucket, args) as Promise<unknown>;
      };
    },
  });

  await inspectMedia({ ...world, MEDIA: reading }, { kind: "inspect", id: newId<EffectId>(SHARD, now + 1), media: id });

  expect(await world.DB_1.prepare("SELECT state FROM media WHERE id = ?").bind(id).first()).toEqual({ state: "ready" });
  expect(await world.MEDIA.head(originalKey(id))).not.toBeNull();
});

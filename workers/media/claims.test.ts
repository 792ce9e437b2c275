import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { Media } from "../../schema/api/media.ts";
import { newId, type PostId, shardOf } from "../../schema/ids.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { d1Costs } from "../../tests/runtime/stores/d1-costs.ts";
import { inspected, png, upload } from "../../tests/runtime/media/media.ts";
import { newPerson, readyMedia } from "../../tests/runtime/world/posts.ts";
import { claimMedia } from "./claims.ts";

it("claims ready files of the owner, in the requested order, with the alt text of the post or their own", async () => {
  const [owner, other] = [newPerson(), newPerson()];
  const post = newId<PostId>(shardOf(owner));
  const [first, second] = [await inspected(owner, await png(2, 1)), await inspected(owner, await png(1, 2))];
  const raw = await (await upload(owner, await png(1, 1))).json<Media>();
  const bad = await inspected(owner, await png(1, 1, { width: 20_000, height: 1 }));

  expect(await claimMedia(env, owner, post, [{ id: second.id, alt: "Tall" }, { id: first.id }])).toMatchObject([
    { id: second.id, width: 1, height: 2, alt: "Tall" },
    { id: first.id, width: 2, height: 1, alt: "" },
  ]);
  const refusal = { code: "media_not_found" };
  await expect(claimMedia(env, other, post, [first])).rejects.toMatchObject(refusal);
  await expect(claimMedia(env, owner, post, [first, { id: newId(shardOf(owner)) }])).rejects.toMatchObject(refusal);
  await expect(claimMedia(env, owner, post, [raw])).rejects.toMatchObject({ code: "media_not_ready" });
  await expect(claimMedia(env, owner, post, [bad])).rejects.toMatchObject({
    code: "media_not_ready",
    detail: expect.stringContaining("too large") as string,
  });
});

it("hands on to the post that a picture is pixel art", async () => {
  const owner = newPerson();
  const post = newId<PostId>(shardOf(owner));
  const [art, photograph] = [
    await inspected(owner, await png(16, 16, undefined, (x, y) => ((x >> 1) + y) % 4)),
    await inspected(owner, await png(16, 16, undefined, (x, y) => x * 16 + y)),
  ];
  expect([art.details?.pixelArt, photograph.details?.pixelArt]).toEqual([true, undefined]);
  const [first, second] = await claimMedia(env, owner, post, [art, photograph]);
  expect(first).toMatchObject({ pixelArt: true });
  expect(second).not.toHaveProperty("pixelArt");
});

it("costs one query, and one row written per file", async () => {
  const owner = newPerson();
  const files = [{ id: await readyMedia(owner) }, { id: await readyMedia(owner) }];
  const post = newId<PostId>(shardOf(owner));

  const { queries } = await d1Costs(() => claimMedia(env, owner, post, files));

  expect(queries).toHaveLength(1);
  const { meta } = await d1Of(env, owner)
    .prepare("UPDATE media SET claimed_by = ?2, claimed_at = 1 WHERE owner = ?1 RETURNING id")
    .bind(owner, post)
    .run();
  expect(meta.rows_written).toBe(2);
});

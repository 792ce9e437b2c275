import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type MediaId, newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { d1Of, allD1 } from "../../tests/runtime/stores/d1.ts";
import { requestAs, codeOf, inspected, png } from "../../tests/runtime/media/media.ts";
import { newPerson } from "../../tests/runtime/world/posts.ts";
import { claimMedia } from "./claims.ts";
import { UNPUBLISHED_KEPT_FOR } from "../../schema/media/upload-limits.ts";
import { collectMedia, DUE, deleteUnused } from "./collect.ts";
import { originalKey, renditionKey } from "./files/objects.ts";
import { finish } from "./uploads/finish.ts";

const HOUR = 3_600_000;

async function ready(): Promise<{ owner: PersonId; id: MediaId }> {
  const owner = newPerson();
  return { owner, id: (await inspected(owner, await png(3, 2))).id };
}

const rowOf = (id: MediaId) =>
  d1Of(env, id)
    .prepare("SELECT state, look_at AS lookAt FROM media WHERE id = ?")
    .bind(id)
    .first<{ state: string; lookAt: number | null }>();

const isStored = async (id: MediaId) =>
  (await Promise.all([originalKey(id), renditionKey(id, "w320")].map((key) => env.MEDIA.head(key)))).map(Boolean);

/** Inserts a post that shows `media`, as the projector does. */
async function shows(owner: PersonId, media: MediaId, post = newId<PostId>(shardOf(owner))): Promise<PostId> {
  await d1Of(env, owner)
    .prepare("INSERT INTO posts (id, author, caption, media, seq) VALUES (?, ?, '', ?, 1)")
    .bind(post, owner, JSON.stringify([{ id: media, width: 3, height: 2, alt: "" }]))
    .run();
  await d1Of(env, owner)
    .prepare(
      "UPDATE media SET claimed_by = coalesce(claimed_by, ?2), claimed_at = coalesce(claimed_at, 1) WHERE id = ?1",
    )
    .bind(media, post)
    .run();
  return post;
}

const gone = (post: PostId) => d1Of(env, post).prepare("DELETE FROM posts WHERE id = ?").bind(post).run();

/** Sweeps until nothing is due, because other tests have left files too. */
async function sweep(at: number, bindings = env): Promise<void> {
  while ((await collectMedia(bindings, at)) > 0);
}

describe("the sweep", () => {
  it("removes an abandoned upload with its bytes", async () => {
    const owner = newPerson();
    const id = newId<MediaId>(shardOf(owner));
    await d1Of(env, owner)
      .prepare(
        "INSERT INTO media (id, owner, state, content_type, bytes, look_at) VALUES (?, ?, 'uploading', 'image/png', 9, ?)",
      )
      .bind(id, owner, Date.now() + HOUR)
      .run();
    await env.MEDIA.put(originalKey(id), "some bytes");

    await sweep(Date.now() + 0.9 * HOUR);
    expect(await rowOf(id)).toMatchObject({ state: "uploading" });
    await sweep(Date.now() + 1.1 * HOUR);

    expect(await rowOf(id)).toBeNull();
    expect(await isStored(id)).toEqual([false, false]);
  });

  it("removes unpublished and rejected files after a day", async () => {
    const { id, owner } = await ready();
    const bad = await inspected(owner, await png(1, 1, { width: 0, height: 1 }));

    await sweep(Date.now() + UNPUBLISHED_KEPT_FOR - HOUR);
    expect(await isStored(id)).toEqual([true, true]);
    await sweep(Date.now() + UNPUBLISHED_KEPT_FOR + HOUR);

    expect([await rowOf(id), await rowOf(bad.id)]).toEqual([null, null]);
    expect(await isStored(id)).toEqual([false, false]);
  });

  it("checks a file that a post shows only once", async () => {
    const { owner, id } = await ready();
    const post = newId<PostId>(shardOf(owner));
    await claimMedia(env, owner, post, [{ id }]);
    await shows(owner, id, post);

    await sweep(Date.now() + 2 * UNPUBLISHED_KEPT_FOR);

    expect(await rowOf(id)).toEqual({ state: "ready", lookAt: null });
    expect(await isStored(id)).toEqual([true, true]);
  });

  it("waits one hour for the post of a claim", async () => {
    const { owner, id } = await ready();
    const later = Date.now() + UNPUBLISHED_KEPT_FOR + HOUR;
    await claimMedia(env, owner, newId<PostId>(shardOf(owner)), [{ id }], later - 0.5 * HOUR);

    await sweep(later);
    expect(await rowOf(id)).toEqual({ state: "ready", lookAt: later + HOUR });
    await sweep(later + 1.1 * HOUR);

    expect(await rowOf(id)).toBeNull();
  });

  it("continues when one file cannot be removed, and finishes that one later", async () => {
    const [first, second] = [await ready(), await ready()];
    const later = Date.now() + UNPUBLISHED_KEPT_FOR + HOUR;
    const failing = {
      delete: (keys: string[]) =>
        keys.includes(originalKey(first.id)) ? Promise.reject(new Error("no bucket")) : env.MEDIA.delete(keys),
    };

    await sweep(later, { ...env, MEDIA: failing as unknown as R2Bucket });
    expect([await rowOf(first.id), await rowOf(second.id)]).toMatchObject([{ state: "deleted" }, null]);
    expect((await requestAs(first.owner, `/v1/media/${first.id}`)).status).toBe(404);
    await sweep(later);

    expect(await rowOf(first.id)).toBeNull();
    expect(await isStored(first.id)).toEqual([false, false]);
  });

  it("finds due files through an index", async () => {
    for (const database of allD1(env)) {
      const plan = await database.prepare(`EXPLAIN QUERY PLAN ${DUE}`).bind(0, 1).all<{ detail: string }>();
      expect(plan.results.map(({ detail }) => detail)).toEqual([expect.stringContaining("media_to_look_at")]);
    }
  });
});

describe("deleting the files of a deleted post", () => {
  it("keeps a file that another post shows", async () => {
    const { owner, id } = await ready();
    const [one, other] = [await shows(owner, id), await shows(owner, id)];
    await gone(one);
    expect(await deleteUnused(env, owner, [id], { states: ["ready"], despite: one })).toEqual([]);
    await gone(other);
    expect(await deleteUnused(env, owner, [id], { states: ["ready"], despite: other })).toEqual([id]);
    expect(await rowOf(id)).toBeNull();
  });

  it("ignores the claim of the deleted post, but not that of another", async () => {
    const { owner, id } = await ready();
    const [one, other] = [newId<PostId>(shardOf(owner)), newId<PostId>(shardOf(owner), Date.now() + 1)];
    await claimMedia(env, owner, one, [{ id }]);
    expect(await deleteUnused(env, owner, [id], { states: ["ready"], despite: other })).toEqual([]);
    expect(await deleteUnused(env, owner, [id], { states: ["ready"], despite: one })).toEqual([id]);
  });

  it("either claims or deletes a file when both happen at once, never both", async () => {
    const made = await Promise.all(Array.from({ length: 6 }, ready));
    await Promise.all(
      made.map(async ({ owner, id }) => {
        const post = newId<PostId>(shardOf(owner));
        const [claim, taken] = await Promise.allSettled([
          claimMedia(env, owner, post, [{ id }]),
          deleteUnused(env, owner, [id], { states: ["ready"] }),
        ]);
        expect(taken.status).toBe("fulfilled");
        if (taken.status === "fulfilled") expect(taken.value).toEqual(claim.status === "fulfilled" ? [] : [id]);
      }),
    );
  });
});

describe("an owner who deletes an upload", () => {
  const withdraw = (owner: PersonId, id: MediaId) => requestAs(owner, `/v1/media/${id}`, { method: "DELETE" });

  it("frees its bytes from the quota", async () => {
    const { owner, id } = await ready();
    await d1Of(env, owner)
      .prepare("INSERT INTO people (id, handle, name, media_bytes) VALUES (?, ?, '', 1000)")
      .bind(owner, owner)
      .run();
    const stored = d1Of(env, id).prepare("SELECT bytes + derived_bytes AS bytes FROM media WHERE id = ?").bind(id);
    const bytes = (await stored.first<number>("bytes")) ?? 0;

    expect((await withdraw(newPerson(), id)).status).toBe(404);
    expect((await withdraw(owner, id)).status).toBe(204);

    expect((await withdraw(owner, id)).status).toBe(404);
    expect(await isStored(id)).toEqual([false, false]);
    const person = d1Of(env, owner).prepare("SELECT media_bytes AS bytes FROM people WHERE id = ?").bind(owner);
    expect(await person.first()).toEqual({ bytes: 1000 - bytes });
  });

  it("deletes it even if it finishes meanwhile", async () => {
    const owner = newPerson();
    const id = newId<MediaId>(shardOf(owner));
    await d1Of(env, owner)
      .prepare("INSERT INTO media (id, owner, state, content_type, bytes) VALUES (?, ?, 'uploading', 'image/png', 9)")
      .bind(id, owner)
      .run();
    await env.MEDIA.put(originalKey(id), "some bytes");
    const finishing = { getByName: () => ({ discard: () => finish(env, id, "image/png") }) };
    const bindings = { ...env, UPLOADS: finishing as unknown as Env["UPLOADS"] };

    const answer = await requestAs(owner, `/v1/media/${id}`, { method: "DELETE" }, bindings);

    expect(answer.status).toBe(204);
    expect(await rowOf(id)).toBeNull();
    expect(await isStored(id)).toEqual([false, false]);
  });

  it("is refused while a post shows it", async () => {
    const { owner, id } = await ready();
    await shows(owner, id);
    const answer = await withdraw(owner, id);
    expect([answer.status, await codeOf(answer)]).toEqual([409, "media_in_use"]);
    expect(await isStored(id)).toEqual([true, true]);
  });
});

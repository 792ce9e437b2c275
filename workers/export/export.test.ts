import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { unzipSync } from "fflate";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Export, ExportPart } from "../../schema/api/exports.ts";
import { type MediaId, newId, type PersonId, shardOf } from "../../schema/ids.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { Stage } from "../../tests/runtime/closing/world.ts";
import { ask, HOST, outcome, signUp } from "../../tests/runtime/world/people.ts";
import { app } from "../app.ts";
import { originalKey } from "../media/files/objects.ts";
import { dataPart } from "./data.ts";
import { DOWNLOADS_MAX } from "./downloads.ts";
import { filesPart } from "./files.ts";
import { BYTES_PER_PART, FILES_PER_PART, planExport, POSTS_PER_PART } from "./plan.ts";
import { streamOf } from "./zip.ts";

let stage: Stage;
beforeEach(() => {
  stage = new Stage(recordQueues());
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Someone = Awaited<ReturnType<typeof signUp>>;

const partsOf = async (by: Someone): Promise<ExportPart[]> =>
  (await (await ask("POST", "/v1/me/export", { token: by.token })).json<Export>()).parts;

/** Reads the body before it waits for the rest of the work, which goes on until the body is read. */
async function download({ token }: Someone, { path }: ExportPart, headers = {}) {
  const context = createExecutionContext();
  const request = new Request(`${HOST}${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
  const response = await app.fetch(request, env, context);
  const bytes = new Uint8Array(await response.arrayBuffer());
  await waitOnExecutionContext(context);
  return { response, bytes };
}

const textIn = (files: Record<string, Uint8Array>, name: string): unknown =>
  JSON.parse(new TextDecoder().decode(files[name]));

/** Stores an original of random bytes. */
async function stored(owner: PersonId, size: number): Promise<{ id: MediaId; bytes: Uint8Array }> {
  const id = newId<MediaId>(shardOf(owner));
  const bytes = crypto.getRandomValues(new Uint8Array(Math.min(size, 65_536)));
  await env.MEDIA.put(originalKey(id), bytes);
  await addRow(owner, id, bytes.length);
  return { id, bytes };
}

const addRow = (owner: PersonId, id: MediaId, bytes: number) =>
  d1Of(env, id)
    .prepare(
      "INSERT INTO media (id, owner, state, content_type, bytes, look_at) VALUES (?, ?, 'ready', 'image/png', ?, 9e15)",
    )
    .bind(id, owner, bytes)
    .run();

it("gives people everything of theirs, and nothing of others", async () => {
  const [ada, ben, eve] = [await signUp(), await signUp(), await signUp()];
  const { handle } = ben.person;
  await stage.ask(ada, "PUT", `/v1/people/${handle}/follow`);
  await stage.ask(ben, "PUT", `/v1/people/${ada.person.handle}/follow`);
  await stage.ask(ada, "PUT", `/v1/people/${eve.person.handle}/mute`);
  await stage.ask(ada, "PUT", `/v1/people/${eve.person.handle}/block`);
  await stage.settle();
  await d1Of(env, ada.person.id)
    .prepare("INSERT INTO passkeys (person, id, public_key, sign_count, name, added_at) VALUES (?, ?, ?, 0, ?, 1000)")
    .bind(ada.person.id, "id-of-passkey", "key-of-passkey", "Blue key")
    .run();
  const own = await stage.publish(ada, "Low tide");
  const theirs = await stage.publish(ben, "High tide");
  await stage.settle();
  await stage.ask(ada, "PATCH", `/v1/posts/${own}`, { caption: "Very low tide" });
  await stage.ask(ada, "PUT", `/v1/posts/${theirs}/like`);
  await stage.comment(ada, theirs, "“Naïve” ☂");
  const hers = await stage.comment(ben, own, "Where?");
  await stage.ask(ada, "PUT", `/v1/posts/${own}/comments/${hers}/like`);
  await stage.ask(ada, "PUT", "/v1/me/comment-rules/words", { words: ["pills"] });
  await stage.ask(ada, "POST", "/v1/reports", { post: theirs, reason: "spam", words: "An advert" });
  await stage.ask(ben, "POST", "/v1/reports", { person: ada.person.handle, reason: "other" });
  await d1Of(env, eve.person.id).prepare("UPDATE people SET role = 'moderator' WHERE id = ?").bind(eve.person.id).run();
  const warning = { version: 0, decision: "warn", reason: "Be kind" };
  await stage.ask(eve, "POST", `/v1/moderation/cases/${ada.person.id}/decision`, warning);
  await stage.settle();

  const [data, files, ...more] = await partsOf(ada);
  expect(more).toEqual([]);
  expect(data).toMatchObject({ kind: "data", name: `shutterline-${ada.person.handle}-data.zip` });
  expect(files).toMatchObject({ kind: "files", files: 1 });
  const { response, bytes } = await download(ada, data as ExportPart);
  expect(response.headers.get("content-disposition")).toContain("attachment");
  const zip = unzipSync(bytes);
  expect(textIn(zip, "profile.json")).toMatchObject({
    handle: ada.person.handle,
    picture: null,
    followers: 1,
    following: 1,
  });
  expect(textIn(zip, "following.json")).toMatchObject([{ handle }]);
  expect(textIn(zip, "followers.json")).toMatchObject([{ handle, requested: false }]);
  expect(textIn(zip, "blocked.json")).toMatchObject([{ handle: eve.person.handle }]);
  expect(textIn(zip, "muted.json")).toMatchObject([{ handle: eve.person.handle }]);
  expect(textIn(zip, "likes.json")).toEqual([{ post: theirs }]);
  expect(textIn(zip, "comment-likes.json")).toEqual([{ comment: hers, post: own }]);
  expect(textIn(zip, "comments.json")).toMatchObject([{ post: theirs, text: "“Naïve” ☂" }]);
  expect(textIn(zip, "sessions.json")).toHaveLength(1);
  expect(textIn(zip, "passkeys.json")).toEqual([{ name: "Blue key", addedAt: new Date(1000).toISOString() }]);
  expect(textIn(zip, "notifications.json")).toMatchObject([
    { kind: "comment", people: [handle], excerpt: "Where?" },
    { kind: "follow" },
    {},
  ]);
  expect(textIn(zip, "preferences.json")).toEqual({
    notifications: [],
    quietHours: null,
    mutedPosts: [],
    comments: { words: ["pills"] },
  });
  expect(textIn(zip, "reports.json")).toMatchObject([{ subject: theirs, reason: "spam", words: "An advert" }]);
  expect(textIn(zip, "decisions.json")).toMatchObject([{ action: "warn", reason: "Be kind", appeal: null }]);
  const [post] = textIn(zip, "posts.json") as { captions: object[]; files: { id: MediaId }[] }[];
  expect(post).toMatchObject({ id: own, caption: "Very low tide", likes: 0, comments: 1 });
  expect(post?.captions).toMatchObject([{ caption: "Very low tide" }, { caption: "Low tide" }]);
  const text = new TextDecoder().decode(bytes);
  expect(text).not.toContain("of-passkey");
  expect(text).not.toContain("hash"); // Neither of passwords nor of sessions.
  expect(text).not.toContain(ada.token.split(".")[2] ?? "");

  const originals = unzipSync((await download(ada, files as ExportPart)).bytes);
  expect(Object.keys(originals)).toEqual([`files/${post?.files[0]?.id}.jpg`]);
  expect(new TextDecoder().decode(Object.values(originals)[0])).toBe("the original");

  // The same paths give somebody else only their own.
  const other = await download(ben, data as ExportPart);
  expect(textIn(unzipSync(other.bytes), "profile.json")).toMatchObject({ handle });
  expect(Object.keys(unzipSync((await download(ben, files as ExportPart)).bytes))).not.toContain(
    Object.keys(originals)[0],
  );
  expect(await outcome(await ask("GET", data?.path ?? ""))).toBe("401 not_signed_in");
  expect(await outcome(await ask("POST", "/v1/me/export"))).toBe("401 not_signed_in");
});

it("goes on at the byte where a connection was cut, and starts again when the files have changed", async () => {
  const ada = await signUp();
  const files = [];
  for (const size of [1000, 65_536, 1, 40_000]) files.push(await stored(ada.person.id, size));
  const [, part] = await partsOf(ada);
  const whole = await download(ada, part as ExportPart);
  const etag = whole.response.headers.get("etag") ?? "";
  expect(Number(whole.response.headers.get("content-length"))).toBe(whole.bytes.length);

  for (const cut of [1, 30, 1200, 50_000, whole.bytes.length - 10, whole.bytes.length - 1]) {
    const rest = await download(ada, part as ExportPart, { range: `bytes=${cut}-`, "if-range": etag });
    expect(rest.response.status).toBe(206);
    expect(rest.response.headers.get("content-range")).toBe(
      `bytes ${cut}-${whole.bytes.length - 1}/${whole.bytes.length}`,
    );
    const joined = new Uint8Array([...whole.bytes.subarray(0, cut), ...rest.bytes]);
    const read = unzipSync(joined); // Checks nothing, so the contents are compared.
    for (const { id, bytes } of files) expect(read[`files/${id}.png`]).toEqual(bytes);
  }
  const beyond = await ask("GET", part?.path ?? "", {
    token: ada.token,
    headers: { range: `bytes=${whole.bytes.length}-`, "if-range": etag },
  });
  expect(await outcome(beyond)).toBe("416 range_not_satisfiable");

  await ask("DELETE", `/v1/media/${files[0]?.id}`, { token: ada.token });
  const changed = await download(ada, part as ExportPart, { range: "bytes=100-", "if-range": etag });
  expect(changed.response.status).toBe(200);
  expect(Object.keys(unzipSync(changed.bytes))).toHaveLength(3);
});

it("divides thousands of files and posts into parts of bounded size that hold each once", async () => {
  const { person } = await signUp();
  const database = d1Of(env, person.id);
  const count = 2 * FILES_PER_PART + 10;
  const ids = Array.from({ length: count }, (_, index) =>
    newId<MediaId>(shardOf(person.id), Date.now() - 1_000_000 + index * 10, 1),
  );
  const sizes = ids.map((_, index) => (index === 5 ? 2 * BYTES_PER_PART : 1000));
  for (let start = 0; start < count; start += 50) {
    await database.batch(
      ids
        .slice(start, start + 50)
        .map((id, index) =>
          database
            .prepare("INSERT INTO media (id, owner, state, content_type, bytes) VALUES (?, ?, 'ready', 'image/png', ?)")
            .bind(id, person.id, sizes[start + index]),
        ),
    );
  }
  await database
    .prepare(
      `INSERT INTO posts (id, author, caption, media, seq)
       SELECT printf('0%012d', value), ?1, '', '[]', 1 FROM json_each(?2)`,
    )
    .bind(person.id, JSON.stringify(Array.from({ length: POSTS_PER_PART + 1 }, (_, index) => index)))
    .run();

  const parts = await planExport(env, person.id, person.handle);
  const files = parts.filter(({ kind }) => kind === "files");
  expect(parts.filter(({ kind }) => kind === "data")).toHaveLength(2);
  expect(files.map((part) => part.files)).toEqual([5, 1, FILES_PER_PART, FILES_PER_PART, 4]);
  expect(files.reduce((sum, part) => sum + (part.bytes ?? 0), 0)).toBe(sizes.reduce((sum, size) => sum + size));
  const head = vi.spyOn(env.MEDIA, "head").mockResolvedValue(null);
  for (const { path } of files) {
    const { searchParams } = new URL(path, "http://localhost");
    await filesPart(env, person.id, searchParams.get("after") ?? "", searchParams.get("upTo") ?? "");
  }
  expect(head.mock.calls.map(([key]) => key)).toEqual(ids.map(originalKey));
});

it("reads a file only when its turn comes, and refuses a third download until one ends", async () => {
  const ada = await signUp();
  for (let index = 0; index < 3; index += 1) await stored(ada.person.id, 60_000);
  const [data, part] = await partsOf(ada);
  const get = vi.spyOn(env.MEDIA, "get");
  const { chunks } = await filesPart(env, ada.person.id, "", "g");
  const reader = streamOf(chunks(), () => undefined).getReader();
  await reader.read();
  await reader.read();
  expect(get).toHaveBeenCalledTimes(1);
  await reader.cancel();
  get.mockRestore();

  const database = d1Of(env, ada.person.id);
  const busy = (until: number) =>
    database
      .prepare("INSERT INTO export_downloads VALUES (?, ?, ?)")
      .bind(ada.person.id, crypto.randomUUID(), until)
      .run();
  for (let index = 0; index < DOWNLOADS_MAX; index += 1) await busy(Date.now() + 60_000);
  for (const { path } of [data, part] as ExportPart[]) {
    expect(await outcome(await ask("GET", path, { token: ada.token }))).toBe("429 too_many_exports");
  }
  await database.prepare("UPDATE export_downloads SET until = 1 WHERE person = ?").bind(ada.person.id).run();
  for (let index = 0; index <= DOWNLOADS_MAX; index += 1) {
    expect((await download(ada, part as ExportPart)).response.status).toBe(200);
    expect((await download(ada, data as ExportPart)).response.status).toBe(200);
  }
  const left = await database
    .prepare("SELECT count(*) AS n FROM export_downloads WHERE person = ?")
    .bind(ada.person.id)
    .first("n");
  expect(left).toBe(0);
});

it("sends long lists page by page", async () => {
  const { person } = await signUp();
  const database = d1Of(env, person.id);
  const likes = Array.from({ length: 2500 }, (_, index) => `0${String(index).padStart(12, "0")}`);
  await database
    .prepare("INSERT INTO likes (person, post, liked, seq) SELECT ?1, value, 1, 1 FROM json_each(?2)")
    .bind(person.id, JSON.stringify(likes))
    .run();
  const stream = streamOf(dataPart(env, person.id, { after: "", upTo: "" }), () => undefined);
  const zip = unzipSync(new Uint8Array(await new Response(stream).arrayBuffer()));
  expect(textIn(zip, "likes.json")).toEqual(likes.map((post) => ({ post })));
});

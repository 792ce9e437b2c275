/** Who sees a file, by which address, from when on; and what asking that costs. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { d1Costs, warmD1Costs } from "../../../tests/runtime/d1-costs.ts";
import { withFaults } from "../../../tests/runtime/faults.ts";
import { as, codeOf } from "../../../tests/runtime/media.ts";
import { hide, signUp } from "../../../tests/runtime/people.ts";
import { follows, newPerson } from "../../../tests/runtime/posts.ts";
import { claim, readyVideo } from "../../../tests/runtime/served-media.ts";
import { copyPrivate, NOTICED_WITHIN } from "../../reads/private-accounts.ts";
import { publishedMedia } from "./published.ts";
import { signatureFor } from "../../reads/media-signatures.ts";
import { mediaUrls, videoUrl } from "../../reads/media-urls.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const later = (ms: number) => vi.useFakeTimers({ now: Date.now() + ms, toFake: ["Date"] });
const write = (key: PersonId | MediaId, sql: string, ...params: unknown[]) =>
  databaseOf(env, key)
    .prepare(sql)
    .bind(...params)
    .run();

async function get(path: string, bindings: Env = env): Promise<string> {
  const response = await as(undefined, path, WEBP, bindings);
  if (response.ok) {
    await response.arrayBuffer();
    return `200 ${response.headers.get("cache-control")?.split(",")[0]}`;
  }
  expect(response.headers.get("cache-control")).toBe("no-store");
  return `${response.status} ${await codeOf(response)}`;
}

const WEBP = { headers: { accept: "image/webp" } };
const pathsOf = (id: MediaId, signature = "") => [mediaUrls(id, signature).w640, videoUrl(id, signature)];
const [SEEN, SIGNED, UNSEEN] = ["200 public", "200 private", "404 media_not_found"];

const ROLES = ["stranger", "follower", "requester", "blocked", "owner"] as const;
type Role = (typeof ROLES)[number];
const STATES = ["public", "private", "unpublished", "deleted"] as const;
type State = (typeof STATES)[number];

/** The specification, of an address that was signed for the role. Any other is as good as a plain one. */
function sees(role: Role, state: State): string {
  if (state === "public") return SEEN;
  if (state === "deleted") return UNSEEN;
  return role === "owner" || (role === "follower" && state === "private") ? SIGNED : UNSEEN;
}

async function scene(state: State) {
  const { person: author } = await signUp();
  const roles: Record<Role, PersonId> = {
    stranger: newPerson(),
    follower: newPerson(),
    requester: newPerson(),
    blocked: newPerson(),
    owner: author.id,
  };
  const { follower, requester, blocked } = roles;
  for (const person of [follower, blocked]) await follows(person, author.id);
  await write(
    requester,
    "INSERT INTO following (follower, followee, active, requested, version) VALUES (?, ?, 0, 1, 1)",
    requester,
    author.id,
  );
  await write(blocked, "INSERT INTO blocks VALUES (?, ?, 0, 0, 1, 1)", blocked, author.id);
  const id = await readyVideo(author.id, { isPublished: state !== "unpublished" });
  if (state === "private") await hide(author);
  if (state === "deleted") await write(id, "DELETE FROM media WHERE id = ?", id);
  return { author, id, roles };
}

describe.each(STATES)("of a file that is %s", (state) => {
  it("everybody sees what they may, by every address", async () => {
    const { id, roles } = await scene(state);
    const plain = state === "public" ? SEEN : UNSEEN;
    for (const path of pathsOf(id)) expect(await get(path), path).toBe(plain);
    for (const role of ROLES) {
      const signature = await signatureFor(env, id, roles[role]);
      for (const path of pathsOf(id, signature)) expect(await get(path), `${role} ${path}`).toBe(sees(role, state));
    }
  });
});

/** What may be tried with a signature of the owner's. */
const CHANGES: [string, (query: string, owner: PersonId) => string][] = [
  ["for another", (query, owner) => query.replace(owner, newPerson())],
  ["for nobody", (query, owner) => query.replace(owner, "")],
  ["for longer", (query) => query.replace(/until=(\d+)/, (_, until: string) => `until=${Number(until) + 1}`)],
  ["for ever", (query) => query.replace(/until=\d+/, "until=9999999999999")],
  ["for no time", (query) => query.replace(/&until=\d+/, "")],
  ["by another", (query) => query.replace(/sig=.{4}/, "sig=AAAA")],
  ["cut short", (query) => query.slice(0, -1)],
  ["longer", (query) => `${query}A`],
  ["by nobody", (query) => query.replace(/&sig=.*/, "")],
  ["by two", (query) => query.replace("?", "?sig=AAAA&")],
  ["in no text", () => "?for=%E0%A4&until=%&sig=%FF"],
  ["for two", (query) => query.replace("?", "?for=x&")],
];

it.each(["private", "unpublished"] as const)("takes no signature for what is %s that was changed", async (state) => {
  const { id, roles } = await scene(state);
  const good = await signatureFor(env, id, roles.owner);
  for (const path of pathsOf(id, good)) expect(await get(path)).toBe(SIGNED);
  for (const [name, change] of CHANGES)
    expect(await get(mediaUrls(id, change(good, roles.owner)).w320), name).toBe(UNSEEN);
  const other = await readyVideo(roles.owner, { isPublished: state !== "unpublished" });
  for (const path of pathsOf(other, good)) expect(await get(path), "of another file").toBe(UNSEEN);
  later(3_600_000);
  for (const path of pathsOf(id, good)) expect(await get(path), "over").toBe(UNSEEN);
});

it("signs the same address for half an hour, and never for more than an hour", async () => {
  const [id, viewer] = [(await scene("unpublished")).id, newPerson()];
  const start = Math.ceil(Date.now() / 1_800_000) * 1_800_000;
  const untilAt = async (ms: number) => {
    vi.useFakeTimers({ now: start + ms, toFake: ["Date"] });
    const query = new URLSearchParams(await signatureFor(env, id, viewer));
    return Number(query.get("until")) - start / 1000;
  };
  expect([await untilAt(0), await untilAt(1_799_999), await untilAt(1_800_000)]).toEqual([3600, 3600, 5400]);
});

it("lets a browser keep what was signed as long as the address lasts, and shows it to no other site", async () => {
  const { id, roles } = await scene("private");
  const signature = await signatureFor(env, id, roles.follower);
  const rest = Number(new URLSearchParams(signature).get("until")) - Date.now() / 1000;
  for (const path of pathsOf(id, signature)) {
    const { status, headers } = await as(undefined, path, WEBP);
    const [, age] = /^private, max-age=(\d+)$/.exec(headers.get("cache-control") ?? "") ?? [];
    expect([status, Math.abs(Number(age) - rest) < 10]).toEqual([200, true]);
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.has("access-control-allow-origin")).toBe(false);
    const again = await as(undefined, path, {
      headers: { ...WEBP.headers, "if-none-match": headers.get("etag") ?? "" },
    });
    expect([again.status, again.headers.get("cache-control")?.startsWith("private,")]).toEqual([304, true]);
  }
});

it("says the same of what is hidden and of what is not there", async () => {
  const { id } = await scene("private");
  const told = async (media: string) => {
    const response = await as(undefined, `/media/${media}/w320`);
    const { requestId: _, ...problem } = await response.json<{ requestId: string }>();
    return [response.status, Object.fromEntries(response.headers), problem];
  };
  expect(await told(id)).toEqual(await told(`${id.slice(0, -3)}zzz`));
});

it("follows an author who turns private and back, and a follower who is removed, within a second", async () => {
  const { author, id, roles } = await scene("public");
  const signature = await signatureFor(env, id, roles.follower);
  const both = async () => [await get(mediaUrls(id).w320), await get(mediaUrls(id, signature).w320)];
  expect(await both()).toEqual([SEEN, SEEN]);
  await hide(author);
  later(NOTICED_WITHIN);
  expect(await both()).toEqual([UNSEEN, SIGNED]);
  await write(roles.follower, "UPDATE following SET active = 0 WHERE follower = ?", roles.follower);
  later(NOTICED_WITHIN);
  expect(await both()).toEqual([UNSEEN, UNSEEN]);
  await hide(author, false);
  later(NOTICED_WITHIN);
  expect(await both()).toEqual([SEEN, SEEN]);
});

it("shows what is published a second later at the latest, and at once to its owner", async () => {
  const { id, roles } = await scene("unpublished");
  const own = mediaUrls(id, await signatureFor(env, id, roles.owner)).w320;
  const others = mediaUrls(id).w320;
  expect([await get(others), await get(own)]).toEqual([UNSEEN, SIGNED]);
  await claim(id);
  expect(await get(own)).toBe(SIGNED);
  later(1001);
  expect([await get(others), await get(own)]).toEqual([SEEN, SEEN]);
});

it("takes a claim for a post that is on its way, for an hour", async () => {
  const { person } = await signUp();
  const id = await readyVideo(person.id, { isPublished: false });
  const claimedAt = (ms: number) =>
    write(id, "UPDATE media SET claimed_by = ?1, claimed_at = ?2 WHERE id = ?1", id, Date.now() - ms);
  const [path = ""] = pathsOf(id);
  await claimedAt(3_700_000);
  expect(await get(path)).toBe(UNSEEN);
  await claimedAt(3_500_000);
  later(1100);
  expect(await get(path)).toBe(SEEN);
});

it("shows what was published here at once", async () => {
  const { id } = await scene("unpublished");
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
  expect(await get(mediaUrls(id).w320)).toBe(UNSEEN);
  await claim(id);
  expect(await get(mediaUrls(id).w320)).toBe(UNSEEN);
  publishedMedia.dropAbsence(id);
  expect(await get(mediaUrls(id).w320)).toBe(SEEN);
});

it("stops serving what was deleted: at once where it was, and elsewhere within ten seconds", async () => {
  const [here, elsewhere] = [(await scene("public")).id, (await scene("public")).id];
  for (const id of [here, elsewhere]) {
    expect(await get(mediaUrls(id).w320)).toBe(SEEN);
    await write(id, "DELETE FROM media WHERE id = ?", id);
  }
  await publishedMedia.forget(env, here);
  expect(await get(mediaUrls(here).w320)).toBe(UNSEEN);
  later(10_000);
  expect(await get(mediaUrls(elsewhere).w320)).toBe(UNSEEN);
});

/** Without those for the map of the shards, which each isolate reads now and then. */
async function queriesFor(path: string): Promise<string[]> {
  const { queries } = await d1Costs(() => get(path));
  return queries.filter((sql) => !sql.includes("shard_moves"));
}

it("asks D1 nothing while an owner was asked about in the last second, and then once", async () => {
  const { author, id, roles } = await scene("public");
  const [path = ""] = pathsOf(id);
  expect(await queriesFor(path)).toHaveLength(1); // The file and its owner.
  later(NOTICED_WITHIN);
  expect(await queriesFor(path)).toHaveLength(1); // The owner.
  expect((await warmD1Costs(() => get(path))).queries).toEqual([]);
  await hide(author);
  later(3 * NOTICED_WITHIN);
  const signed = pathsOf(id, await signatureFor(env, id, roles.follower));
  expect(await queriesFor(signed[0] ?? "")).toHaveLength(2); // The owner, and the pair.
  expect((await warmD1Costs(() => Promise.all(signed.map((path) => get(path))))).queries).toEqual([]);
});

it("serves on while D1 is down what was public, but nothing of who may be private", async () => {
  const [open, closed] = [await scene("public"), await scene("public")];
  await copyPrivate(env, closed.author.id);
  for (let turn = 0; turn < 2; turn += 1) {
    for (const { id } of [open, closed]) expect(await get(mediaUrls(id).w320)).toBe(SEEN);
    later(10_000); // Asked for again after so long, a file is noted in KV.
  }
  const { env: down } = withFaults(env, { reads: "throws", writes: "throws" });
  vi.spyOn(console, "error").mockReturnValue();
  for (let turn = 0; turn < 2; turn += 1) {
    expect(await get(mediaUrls(open.id).w320, down)).toBe(SEEN);
    expect(await get(mediaUrls(closed.id).w320, down)).toBe("503 unavailable");
    for (const { id } of [open, closed]) publishedMedia.drop(id); // As where nobody has asked for it.
  }
});

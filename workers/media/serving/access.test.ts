/** Who sees a file, by which URL and from when on, and what the decision costs. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { MediaId, PersonId, SessionId } from "../../../schema/ids.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { d1Costs, warmD1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { withFaults } from "../../../tests/runtime/stores/faults.ts";
import { requestAs, codeOf } from "../../../tests/runtime/media/media.ts";
import { makePrivate, signUp } from "../../../tests/runtime/world/people.ts";
import { writeFollow, newPerson } from "../../../tests/runtime/world/posts.ts";
import { claim, readyVideo } from "../../../tests/runtime/media/served-media.ts";
import { newSession } from "../../api/sessions/tokens.ts";
import { publishedMedia } from "./published.ts";
import { signedQueryFor } from "../../reads/media-signatures.ts";
import { mediaUrls, videoUrl } from "../../reads/media-urls.ts";

/** Longer than an isolate believes what it has read about a person, in ms. */
const FRESH_FOR = 1100;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const later = (ms: number) => vi.useFakeTimers({ now: Date.now() + ms, toFake: ["Date"] });
const write = (key: PersonId | MediaId, sql: string, ...params: unknown[]) =>
  d1Of(env, key)
    .prepare(sql)
    .bind(...params)
    .run();

async function get(path: string, bindings: Env = env): Promise<string> {
  const response = await requestAs(undefined, path, WEBP, bindings);
  if (response.ok) {
    await response.arrayBuffer();
    return `200 ${response.headers.get("cache-control")?.split(",")[0]}`;
  }
  expect(response.headers.get("cache-control")).toBe("no-store");
  return `${response.status} ${await codeOf(response)}`;
}

/** Signs a URL of a file for the one session of each person, which it begins at the first use. */
async function signFor(id: MediaId, person: PersonId): Promise<string> {
  const session = sessionsOf.get(person) ?? (await beginSession(person));
  sessionsOf.set(person, session);
  return signedQueryFor(env, id, { person, session });
}

const sessionsOf = new Map<PersonId, SessionId>();

async function beginSession(person: PersonId): Promise<SessionId> {
  const { row } = await newSession(env, person);
  await write(
    person,
    "INSERT INTO sessions (id, person, secret_hash, expires_at, used_at) VALUES (?, ?, ?, ?, ?)",
    row.id,
    row.person,
    row.secretHash,
    row.expiresAt,
    row.usedAt,
  );
  return row.id;
}

const WEBP = { headers: { accept: "image/webp" } };
const pathsOf = (id: MediaId, signature = "") => [mediaUrls(id, signature).w640, videoUrl(id, signature)];
const [SEEN, SIGNED, UNSEEN] = ["200 public", "200 private", "404 media_not_found"];

const ROLES = ["stranger", "follower", "requester", "blocked", "owner"] as const;
type Role = (typeof ROLES)[number];
const STATES = ["public", "private", "unpublished", "deleted"] as const;
type State = (typeof STATES)[number];

/** The specification for a URL signed for the role. An invalid signature counts as none. */
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
  for (const person of [follower, blocked]) await writeFollow(person, author.id);
  await write(
    requester,
    "INSERT INTO following (follower, followee, active, requested, version) VALUES (?, ?, 0, 1, 1)",
    requester,
    author.id,
  );
  await write(blocked, "INSERT INTO blocks VALUES (?, ?, 0, 0, 1, 1)", blocked, author.id);
  const id = await readyVideo(author.id, { isPublished: state !== "unpublished" });
  if (state === "private") await makePrivate(author);
  if (state === "deleted") await write(id, "DELETE FROM media WHERE id = ?", id);
  return { author, id, roles };
}

describe.each(STATES)("a file that is %s", (state) => {
  it("is served to exactly those who may see it, by plain and signed URLs", async () => {
    const { id, roles } = await scene(state);
    const plain = state === "public" ? SEEN : UNSEEN;
    for (const path of pathsOf(id)) expect(await get(path), path).toBe(plain);
    for (const role of ROLES) {
      const signature = await signFor(id, roles[role]);
      for (const path of pathsOf(id, signature)) expect(await get(path), `${role} ${path}`).toBe(sees(role, state));
    }
  });
});

/** Ways to tamper with a signature of the owner. */
const CHANGES: [string, (query: string, owner: PersonId) => string][] = [
  ["for another", (query, owner) => query.replace(owner, newPerson())],
  ["for another session", (query) => query.replace(/session=\w+/, `session=${newPerson()}`)],
  ["for no session", (query) => query.replace(/&session=\w+/, "")],
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

it.each(["private", "unpublished"] as const)("rejects a changed signature for a file that is %s", async (state) => {
  const { id, roles } = await scene(state);
  const good = await signFor(id, roles.owner);
  for (const path of pathsOf(id, good)) expect(await get(path)).toBe(SIGNED);
  for (const [name, change] of CHANGES)
    expect(await get(mediaUrls(id, change(good, roles.owner)).w320), name).toBe(UNSEEN);
  const other = await readyVideo(roles.owner, { isPublished: state !== "unpublished" });
  for (const path of pathsOf(other, good)) expect(await get(path), "for another file").toBe(UNSEEN);
  later(3_600_000);
  for (const path of pathsOf(id, good)) expect(await get(path), "expired").toBe(UNSEEN);
});

it("signs the same URL for half an hour, and never for more than an hour", async () => {
  const [id, viewer] = [(await scene("unpublished")).id, newPerson()];
  const start = Math.ceil(Date.now() / 1_800_000) * 1_800_000;
  const untilAt = async (ms: number) => {
    vi.useFakeTimers({ now: start + ms, toFake: ["Date"] });
    const query = new URLSearchParams(await signFor(id, viewer));
    return Number(query.get("until")) - start / 1000;
  };
  expect([await untilAt(0), await untilAt(1_799_999), await untilAt(1_800_000)]).toEqual([3600, 3600, 5400]);
});

it("lets a browser cache a signed URL until it expires, and shows it on no other site", async () => {
  const { id, roles } = await scene("private");
  const signature = await signFor(id, roles.follower);
  const rest = Number(new URLSearchParams(signature).get("until")) - Date.now() / 1000;
  for (const path of pathsOf(id, signature)) {
    const { status, headers } = await requestAs(undefined, path, WEBP);
    const [, age] = /^private, max-age=(\d+)$/.exec(headers.get("cache-control") ?? "") ?? [];
    expect([status, Math.abs(Number(age) - rest) < 10]).toEqual([200, true]);
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.has("access-control-allow-origin")).toBe(false);
    const again = await requestAs(undefined, path, {
      headers: { ...WEBP.headers, "if-none-match": headers.get("etag") ?? "" },
    });
    expect([again.status, again.headers.get("cache-control")?.startsWith("private,")]).toEqual([304, true]);
  }
});

it("responds the same for a hidden file as for one that does not exist", async () => {
  const { id } = await scene("private");
  const told = async (media: string) => {
    const response = await requestAs(undefined, `/media/${media}/w320`);
    const { requestId: _, ...problem } = await response.json<{ requestId: string }>();
    return [response.status, Object.fromEntries(response.headers), problem];
  };
  expect(await told(id)).toEqual(await told(`${id.slice(0, -3)}zzz`));
});

it("notices within a second when an author turns private or public, or a follower is removed", async () => {
  const { author, id, roles } = await scene("public");
  const signature = await signFor(id, roles.follower);
  const both = async () => [await get(mediaUrls(id).w320), await get(mediaUrls(id, signature).w320)];
  expect(await both()).toEqual([SEEN, SEEN]);
  await makePrivate(author);
  later(FRESH_FOR);
  expect(await both()).toEqual([UNSEEN, SIGNED]);
  await write(roles.follower, "UPDATE following SET active = 0 WHERE follower = ?", roles.follower);
  later(FRESH_FOR);
  expect(await both()).toEqual([UNSEEN, UNSEEN]);
  await makePrivate(author, false);
  later(FRESH_FOR);
  expect(await both()).toEqual([SEEN, SEEN]);
});

it("stops serving a signed URL within ten seconds when its session has ended, and no other session's", async () => {
  for (const state of ["private", "unpublished"] as const) {
    const { id, roles } = await scene(state);
    const [ended, other] = [await beginSession(roles.owner), await beginSession(roles.owner)];
    const pathFor = async (session: SessionId) =>
      mediaUrls(id, await signedQueryFor(env, id, { person: roles.owner, session })).w320;
    const paths = [await pathFor(ended), await pathFor(other)];
    const both = async () => Promise.all(paths.map((path) => get(path)));
    expect(await both(), state).toEqual([SIGNED, SIGNED]);
    await write(roles.owner, "DELETE FROM sessions WHERE id = ?", ended);
    later(10_001);
    expect(await both(), state).toEqual([UNSEEN, SIGNED]);
  }
});

it("serves a published file to everyone within a second, and to its owner at once", async () => {
  const { id, roles } = await scene("unpublished");
  const own = mediaUrls(id, await signFor(id, roles.owner)).w320;
  const others = mediaUrls(id).w320;
  expect([await get(others), await get(own)]).toEqual([UNSEEN, SIGNED]);
  await claim(id);
  expect(await get(own)).toBe(SIGNED);
  later(1001);
  expect([await get(others), await get(own)]).toEqual([SEEN, SEEN]);
});

it("treats a claimed file as published for an hour while its post is on its way", async () => {
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

it("serves a file at once where it was published", async () => {
  const { id } = await scene("unpublished");
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
  expect(await get(mediaUrls(id).w320)).toBe(UNSEEN);
  await claim(id);
  expect(await get(mediaUrls(id).w320)).toBe(UNSEEN);
  publishedMedia.dropAbsence(id);
  expect(await get(mediaUrls(id).w320)).toBe(SEEN);
});

it("stops serving a deleted file at once where it was deleted, and elsewhere within ten seconds", async () => {
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

/** Returns the queries of a request, without those for the shard map, which each isolate reads now and then. */
async function queriesFor(path: string): Promise<string[]> {
  const { queries } = await d1Costs(() => get(path));
  return queries.filter((sql) => !sql.includes("shard_moves"));
}

it("queries D1 only when the file or its owner was not looked up in the last second", async () => {
  const { author, id, roles } = await scene("public");
  const [path = ""] = pathsOf(id);
  expect(await queriesFor(path)).toHaveLength(1); // The file and its owner.
  later(FRESH_FOR);
  expect(await queriesFor(path)).toHaveLength(1); // The owner.
  expect((await warmD1Costs(() => get(path))).queries).toEqual([]);
  await makePrivate(author);
  later(3 * FRESH_FOR);
  const signed = pathsOf(id, await signFor(id, roles.follower));
  expect(await queriesFor(signed[0] ?? "")).toHaveLength(3); // The owner, the relation of the two, and the session.
  expect((await warmD1Costs(() => Promise.all(signed.map((path) => get(path))))).queries).toEqual([]);
});

it("keeps serving files of people whom it knows while D1 is down", async () => {
  const [known, unknown] = [await scene("public"), await scene("public")];
  expect(await get(mediaUrls(known.id).w320)).toBe(SEEN);
  later(FRESH_FOR);
  const { env: down } = withFaults(env, { reads: "throws", writes: "throws" });
  vi.spyOn(console, "error").mockReturnValue();
  expect(await get(mediaUrls(known.id).w320, down)).toBe(SEEN);
  expect(await get(mediaUrls(unknown.id).w320, down)).toBe("503 unavailable");
});

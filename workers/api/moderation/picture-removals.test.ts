import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import type { Case, LogEntry } from "../../../schema/api/moderation.ts";
import type { Profile } from "../../../schema/api/people.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { squareUrl } from "../../../schema/media/squares.ts";
import { inspected, png } from "../../../tests/runtime/media/media.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { type Someone, succeed } from "../../../tests/runtime/world/api.ts";
import { ask, outcome, signUp } from "../../../tests/runtime/world/people.ts";

afterEach(() => {
  vi.useRealTimers();
});

async function withRole(role: string): Promise<Someone> {
  const someone = await signUp();
  await d1Of(env, someone.person.id)
    .prepare("UPDATE people SET role = ? WHERE id = ?")
    .bind(role, someone.person.id)
    .run();
  return someone;
}

async function setPicture(by: Someone): Promise<MediaId> {
  const { id } = await inspected(by.person.id, await png(30, 20));
  await succeed("PUT", "/v1/me/picture", by, { media: id });
  return id;
}

const served = (id: MediaId) => ask("GET", squareUrl(id, "s96"), { headers: { accept: "image/webp" } });
const removal = (by: Someone, { person }: Someone, picture: MediaId) =>
  ask("POST", `/v1/moderation/people/${person.handle}/picture/removal`, {
    token: by.token,
    body: { picture, reason: "Not a person" },
  });
const seen = async ({ person }: Someone) => (await ask("GET", `/v1/people/${person.handle}`)).json<Profile>();

it("removes the picture that a moderator has seen, once, and logs it", async () => {
  const [author, reader, moderator] = [await signUp(), await signUp(), await withRole("moderator")];
  const picture = await setPicture(author);
  await succeed("POST", "/v1/reports", reader, { person: author.person.handle, reason: "sexual" });
  const reported = await (await succeed("GET", `/v1/moderation/cases/${author.person.id}`, moderator)).json<Case>();
  expect(reported).toMatchObject({ person: { picture }, content: { picture }, current: { picture }, edited: false });

  expect(await outcome(await removal(reader, author, picture))).toBe("403 not_a_moderator");
  expect((await served(picture)).status).toBe(200);
  for (let times = 0; times < 2; times += 1) expect((await removal(moderator, author, picture)).status).toBe(204);
  expect(await seen(author)).not.toHaveProperty("picture");
  expect(await outcome(await served(picture))).toBe("404 media_not_found");
  const operator = await withRole("operator");
  const { items } = await (await succeed("GET", "/v1/moderation/log?limit=50", operator)).json<{ items: LogEntry[] }>();
  expect(items.filter(({ subject }) => subject === author.person.id)).toMatchObject([
    { act: "remove_picture", reason: "Not a person", actor: moderator.person, details: { picture } },
  ]);

  const next = await setPicture(author);
  expect((await removal(moderator, author, picture)).status).toBe(204);
  expect(await seen(author)).toHaveProperty("picture", next);
});

it("shows no picture of an account that a moderator has closed, until that is undone", async () => {
  const [author, reader, moderator] = [await signUp(), await signUp(), await withRole("moderator")];
  const picture = await setPicture(author);
  await succeed("POST", "/v1/reports", reader, { person: author.person.handle, reason: "spam" });
  const act = (path: string, body: object) =>
    succeed("POST", `/v1/moderation/cases/${author.person.id}/${path}`, moderator, { reason: "Spam", ...body });
  await act("decision", { version: 0, decision: "close" });
  vi.useFakeTimers({ now: Date.now() + 11_000, toFake: ["Date"] });
  expect(await outcome(await served(picture))).toBe("404 media_not_found");
  expect(
    (await (await succeed("GET", `/v1/moderation/cases/${author.person.id}`, moderator)).json<Case>()).person,
  ).toEqual(author.person);
  await act("restore", { version: 1 });
  vi.useFakeTimers({ now: Date.now() + 11_000, toFake: ["Date"] });
  expect((await served(picture)).status).toBe(200);
});

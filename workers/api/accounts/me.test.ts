import { expect, it } from "vitest";
import type { Me } from "../../../schema/api/people.ts";
import { ask, outcome, signUp } from "../../../tests/runtime/world/people.ts";

it("changes the given fields and keeps the rest", async () => {
  const { person, token } = await signUp();
  const edit = async (body: unknown) => (await ask("PATCH", "/v1/me", { token, body })).json<Me>();
  expect(await edit({ name: "Ada" })).toMatchObject({ name: "Ada", bio: "" });
  expect(await edit({ bio: "I count." })).toMatchObject({ name: "Ada", bio: "I count." });
  expect(await edit({})).toMatchObject({ name: "Ada", bio: "I count." });
  expect(await edit({ bio: "" })).toMatchObject({ name: "Ada", bio: "" });
  expect(await (await ask("GET", `/v1/people/${person.handle}`)).json()).toMatchObject({ name: "Ada", bio: "" });
});

it("ignores fields that the viewer may not change", async () => {
  const [mine, theirs] = [await signUp(), await signUp()];
  const body = { bio: "mine", id: theirs.person.id, person: theirs.person.id, followers: 7 };
  const me = await (await ask("PATCH", "/v1/me", { token: mine.token, body })).json<Me>();
  expect(me).toMatchObject({ ...mine.person, bio: "mine", followers: 0 });
  expect(await (await ask("GET", "/v1/me", { token: theirs.token })).json()).toMatchObject({ bio: "" });
});

it("rejects an empty name and anonymous viewers", async () => {
  const { token } = await signUp();
  expect(await outcome(await ask("PATCH", "/v1/me", { token, body: { name: "  " } }))).toBe("422 invalid_request");
  expect(await outcome(await ask("PATCH", "/v1/me", { body: { name: "Ada" } }))).toBe("401 not_signed_in");
  expect(await outcome(await ask("GET", "/v1/me"))).toBe("401 not_signed_in");
});

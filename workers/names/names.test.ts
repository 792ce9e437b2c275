import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { PAGES } from "../../schema/pages.ts";
import { Handle } from "../../schema/api/people.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { ask, outcome, randomHandle } from "../../tests/runtime/world/people.ts";
import { RESERVED_HANDLES } from "./reserved-names.ts";

const password = "correct horse battery";
const signUp = (handle: string, name?: string) => ask("POST", "/v1/people", { body: { handle, password, name } });

describe("a handle", () => {
  it.each([
    "admin",
    "null",
    "nu11",
    "__proto__",
    "constructor",
    "shutterline",
    "shutter1ine",
    "shutterline_support",
    "_admin_",
    "ad_min",
    "m0d",
    "settings",
    "sign_in",
    "___",
  ])("%s is reserved", async (handle) => {
    const response = await signUp(handle);
    expect(await response.clone().json()).toMatchObject({ errors: [{ path: "handle" }] });
    expect(await outcome(response)).toBe("409 handle_reserved");
  });

  it("is reserved if it is a part of an address of the product", async () => {
    const { paths } = await (await ask("GET", "/v1/openapi.json")).json<{ paths: Record<string, object> }>();
    const addresses = [...Object.keys(paths).map((path) => path.replace(/^\/v1/, "")), ...PAGES];
    const parts = addresses.map((path) => (path.split("/")[1] ?? "").replaceAll("-", "_"));
    const handles = new Set(parts.filter((part) => Handle.safeParse(part).success));
    expect(handles.size).toBeGreaterThan(10);
    const missing = [...handles].filter((part) => !RESERVED_HANDLES.includes(part));
    expect(missing).toEqual([]);
  });

  it("may not look like that of somebody else", async () => {
    const tail = randomHandle().slice(2, 12);
    const lookalikes = [`mol1y_${tail}`, `rnolly_${tail}`, `m0lly_${tail}`];
    expect(await outcome(await signUp(`molly_${tail}`))).toBe("201");
    for (const handle of lookalikes) {
      const response = await signUp(handle);
      expect(await response.clone().json(), handle).toMatchObject({
        detail: expect.stringContaining("looks like") as string,
      });
      expect(await outcome(response), handle).toBe("409 handle_taken");
      expect(await outcome(await ask("GET", `/v1/people/${handle}`)), handle).toBe("404 person_not_found");
    }
    expect(await outcome(await signUp(`molly_${tail}`))).toBe("409 handle_taken");
  });

  it("goes to one of several that look alike and sign up at once", async () => {
    const tail = randomHandle().slice(2, 12);
    const wanted = ["o0o", "0oo", "oo0", "ooo"].map((start) => signUp(`${start}_${tail}`));
    const outcomes = await Promise.all((await Promise.all(wanted)).map(outcome));
    expect(outcomes.toSorted()).toEqual(["201", "409 handle_taken", "409 handle_taken", "409 handle_taken"]);
  });
});

describe("a name", () => {
  const named = async (name: string) => outcome(await signUp(randomHandle(), name));

  it.each([
    ["with a zero-width space", "Ad\u200ba"],
    ["with a direction override", "Ad\u202ea"],
    ["with an isolate", "Ad\u2066a"],
    ["with a tag", "Ada\u{e0041}"],
    ["with a soft hyphen", "A\u00adda"],
    ["with a Hangul filler", "Ada\u3164"],
    ["with a joiner between letters", "A\u200dda"],
    ["with a variation selector on a letter", "Ada\ufe0f"],
    ["with a newline", "Ada\nKing"],
    ["with a line separator", "Ada\u2028King"],
    ["with a tab", "Ada\tKing"],
    ["of blanks", "\u2800\u2800"],
  ])("%s is refused", async (_, name) => {
    const response = await signUp(randomHandle(), name);
    const { errors } = await response.clone().json<{ errors: { path: string; message: string }[] }>();
    expect(errors).toMatchObject([
      { path: "name", message: expect.stringMatching(/single line|invisible|control|empty/) as string },
    ]);
    expect(await outcome(response)).toBe("422 invalid_request");
  });

  it.each(["Ada 👩‍🚀", "Ünal ❤️", "می‌خواهم", "श्री क्‍ष", "李小龍", "Zoë O’Neill"])("%s is accepted", async (name) => {
    expect(await named(name)).toBe("201");
  });

  it("has plain spaces only", async () => {
    const response = await signUp(randomHandle(), "Ada\u00a0\u2003King");
    expect(await response.json()).toMatchObject({ person: { name: "Ada King" } });
  });

  it.each([
    "Admin",
    "ADMlN",
    "Аdmin", // Cyrillic.
    "𝐌𝐨𝐝𝐞𝐫𝐚𝐭𝐨𝐫",
    "ａｄｍｉｎ",
    "Shutterline",
    "Shutter1ine Support",
    "S h u t t e r l i n e",
    "Ádmín",
  ])("%s is reserved", async (name) => {
    expect(await named(name)).toBe("422 name_reserved");
  });

  it("may not look like the handle of a large author, except to themselves", async () => {
    const handle = `molly${randomHandle().slice(2, 12)}`;
    const { person, token } = await (await signUp(handle)).json<{ person: { id: never }; token: string }>();
    const lookalike = handle.replace("molly", "Mοlly"); // A Greek omicron.
    expect(await named(lookalike)).toBe("201");
    await d1Of(env, person.id).prepare("UPDATE people SET reach = 'merged' WHERE id = ?").bind(person.id).run();
    expect(await named(lookalike)).toBe("422 name_reserved");
    expect(await named(handle.toUpperCase())).toBe("422 name_reserved");
    expect(await outcome(await ask("PATCH", "/v1/me", { token, body: { name: handle } }))).toBe("200");
    expect(await outcome(await ask("PATCH", "/v1/me", { token, body: { name: "Admin" } }))).toBe("422 name_reserved");
  });
});

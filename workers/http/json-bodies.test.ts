import { expect, it } from "vitest";
import type { Me } from "../../schema/api/people.ts";
import { ask, outcome, signUp } from "../../tests/runtime/world/people.ts";

const bytes = (...parts: (string | number[])[]) =>
  new Blob(parts.map((part) => (typeof part === "string" ? part : new Uint8Array(part)))).arrayBuffer();

it("rejects invalid UTF-8 instead of replacing characters", async () => {
  const { token } = await signUp();
  const overlong = [0xc0, 0xaf];
  const surrogate = [0xed, 0xa0, 0x80];
  for (const wrong of [overlong, surrogate, [0x80], [0xe2, 0x82], [0xe9]]) {
    const raw = await bytes('{"bio":"a', wrong, 'b"}');
    expect(await outcome(await ask("PATCH", "/v1/me", { token, raw })), String(wrong)).toBe("400 malformed_json");
  }
  expect(await (await ask("GET", "/v1/me", { token })).json<Me>()).toMatchObject({ bio: "" });
  const raw = await bytes('{"bio":"', [0xc3, 0xa9], '"}');
  expect(await (await ask("PATCH", "/v1/me", { token, raw })).json<Me>()).toMatchObject({ bio: "é" });
});

it("rejects a large body before parsing it, and survives the deepest nesting that fits", async () => {
  const { token } = await signUp();
  const patch = async (raw: string) => outcome(await ask("PATCH", "/v1/me", { token, raw }));
  expect(await patch(" ".repeat(10_000_000))).toBe("413 too_large");
  expect(await patch("[".repeat(100_000))).toBe("413 too_large");
  expect(await patch("[".repeat(60_000))).toBe("400 malformed_json");
  expect(await patch(`{"bio":${"[".repeat(30_000)}${"]".repeat(30_000)}}`)).toBe("422 invalid_request");
  expect(await patch(" ".repeat(60_000))).toBe("400 malformed_json");
});

it("lets no body pollute a prototype", async () => {
  const { token } = await signUp();
  const raw = '{"__proto__":{"bio":"evil","polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  expect(await (await ask("PATCH", "/v1/me", { token, raw })).json<Me>()).toMatchObject({ bio: "" });
  await ask("GET", "/v1/people?__proto__=1&__proto__=2&a[__proto__]=3&constructor=4", { token });
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

it("rejects a body that is not declared as JSON", async () => {
  const { token } = await signUp();
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"]) {
    const answer = await ask("PATCH", "/v1/me", { token, raw: '{"bio":"evil"}', headers: { "content-type": type } });
    expect(await outcome(answer), type).toBe("415 unsupported_type");
  }
});

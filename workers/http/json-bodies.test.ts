import { afterEach, expect, it, vi } from "vitest";
import type { Me } from "../../schema/api/people.ts";
import { BODY_WITHIN } from "./json-bodies.ts";
import { ask, outcome, signUp } from "../../tests/runtime/world/people.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

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

const streamed = (pull: (controller: ReadableStreamDefaultController<Uint8Array>, n: number) => void) => {
  let n = 0;
  return new ReadableStream<Uint8Array>({ pull: (controller) => pull(controller, (n += 1)) }, { highWaterMark: 0 });
};

it("refuses a body that never ends, ten seconds after its start", async () => {
  const { token } = await signUp();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const endless = streamed((controller, n) => {
    if (n === 1) controller.enqueue(new TextEncoder().encode('{"bio":"')); // And nothing more.
  });
  const answer = ask("PATCH", "/v1/me", { token, raw: endless });
  await vi.advanceTimersByTimeAsync(BODY_WITHIN + 1);
  vi.useRealTimers();
  expect(await outcome(await answer)).toBe("408 body_too_slow");
  expect(await (await ask("GET", "/v1/me", { token })).json<Me>()).toMatchObject({ bio: "" });
});

it("does not log a client that hangs up as a failure", async () => {
  const { token } = await signUp();
  const log = vi.spyOn(console, "error");
  const cut = streamed((controller, n) => {
    if (n === 1) controller.enqueue(new TextEncoder().encode('{"bio":"'));
    else controller.error(new Error("Network connection lost."));
  });
  expect(await outcome(await ask("PATCH", "/v1/me", { token, raw: cut }))).toBe("400 malformed_json");
  expect(log).not.toHaveBeenCalled();
});

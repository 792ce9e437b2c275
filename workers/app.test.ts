import { expect, it } from "vitest";
import { ask, signUp } from "../tests/runtime/world/people.ts";

it("sets no-store and the security headers on every response", async () => {
  const { token } = await signUp();
  const answers = await Promise.all([
    ask("GET", "/v1/me", { token }),
    ask("GET", "/v1/me"),
    ask("HEAD", "/v1/people"),
    ask("POST", "/v1/people", { raw: "{" }),
    ask("OPTIONS", "/v1/nothing"),
    ask("GET", "/media/x/y"),
    ask("GET", "/nothing"),
    ask("GET", "/healthz"),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 401, 200, 400, 404, 404, 404, 200]);
  for (const { headers } of answers) {
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toContain("no-store");
    expect(headers.get("strict-transport-security")).toBe("max-age=63072000");
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; frame-ancestors 'none'/);
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  }
});

it("sets them on public responses too, rendered or from memory", async () => {
  const { person } = await signUp();
  for (const source of ["d1", "memory"]) {
    const { headers } = await ask("GET", `/v1/people/${person.handle}`, { asAnybody: true });
    expect(headers.get("server-timing")).toContain(source);
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get("strict-transport-security")).toBe("max-age=63072000");
  }
});

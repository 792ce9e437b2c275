import { expect, it } from "vitest";
import { ask, signUp } from "../tests/runtime/world/people.ts";

it("sets nosniff, no-store and HSTS headers on every response", async () => {
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
    expect(headers.get("strict-transport-security")).toMatch(/^max-age=\d{8,}/);
  }
});

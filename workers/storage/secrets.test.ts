import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { type Faults, withFaults } from "../../tests/runtime/stores/faults.ts";
import { type SecretName, secretOf } from "./secrets.ts";

/** A new binding, for which nothing is cached, as in a new isolate. */
const isolate = (faults: Faults = {}) => withFaults(env, faults).env;

it("generates a secret once, the same for every isolate", async () => {
  const [name, other] = [crypto.randomUUID() as SecretName, crypto.randomUUID() as SecretName];
  const drawn = await Promise.all([isolate(), isolate(), isolate()].map((each) => secretOf(each, name)));
  expect(drawn[0]).toHaveLength(32);
  expect(new Set(drawn.map(String)).size).toBe(1);
  expect(await secretOf(isolate(), other)).not.toEqual(drawn[0]);
});

it("queries D1 once, and does not cache a failure", async () => {
  const name = crypto.randomUUID() as SecretName;
  const faults: Faults = { reads: "throws", writes: "throws" };
  const env = isolate(faults);
  await expect(secretOf(env, name)).rejects.toThrow("Network connection lost");
  delete faults.reads;
  delete faults.writes;
  const first = await secretOf(env, name);
  faults.reads = "throws";
  faults.writes = "throws";
  expect(await secretOf(env, name)).toEqual(first);
});

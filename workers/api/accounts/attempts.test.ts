import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { expect, it } from "vitest";
import { randomHandle } from "../../../tests/runtime/world/people.ts";
import { countAttempt, networkOf } from "./attempts.ts";
import { problem } from "../../http/problems.ts";
import type { App } from "../../http/routes.ts";

const app = new Hono<App>().onError(problem).get("/", async (c) => {
  await countAttempt(c, "sign-in", randomHandle());
  return c.body(null, 204);
});
const attempt = async (headers: Record<string, string>) => (await app.request("/", { headers }, env)).status;

it("limits one network across many handles, by the address that Cloudflare reports and no other", async () => {
  const network = `2001:db8:${Math.floor(Math.random() * 65_536).toString(16)}:1`;
  const statuses: number[] = [];
  // Up to 120 attempts, because the limit counts clock minutes and one may end during the loop.
  while (statuses.length < 120 && statuses.at(-1) !== 429) {
    const address = `${network}::${statuses.length.toString(16)}`;
    statuses.push(await attempt({ "cf-connecting-ip": address, "x-forwarded-for": randomHandle() }));
  }
  expect(statuses.pop()).toBe(429);
  expect(statuses.length).toBeGreaterThanOrEqual(60);
  expect(await attempt({ "x-forwarded-for": `${network}::1` })).toBe(204);
});

it.each([
  ["203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
])("counts %s under %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

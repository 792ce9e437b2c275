import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type Context, Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newId, type PersonId, randomShard } from "../../../schema/ids.ts";
import { randomHandle } from "../../../tests/runtime/world/people.ts";
import { problem } from "../../http/problems.ts";
import type { App } from "../../http/routes.ts";
import { rememberDevice } from "./devices.ts";
import { countProof, countSignIn, countSignUp, rememberNetworkOf } from "./attempts.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] }); // Nothing flows in, however slow the machine.
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const MINUTE = 60_000;
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** The person of each handle, who needs no row here. */
const persons = new Map<string, PersonId>();
const personOf = (handle: string): PersonId => {
  const person = persons.get(handle) ?? newId<PersonId>(randomShard());
  persons.set(handle, person);
  return person;
};
const count = (c: Context<App>, handle: string) =>
  countSignIn(c, handle, async () => ({ person: { id: personOf(handle) }, password: "a hash" }));

/** Sign-in and sign-up without the password: a `GET` counts an attempt, and a `POST` is one that succeeds. */
const app = new Hono<App>()
  .onError(problem)
  .get("/sign-up", async (c) => {
    await countSignUp(c);
    return c.body(null, 204);
  })
  .get("/:handle", async (c) => {
    await count(c, c.req.param("handle"));
    return c.body(null, 204);
  })
  .post("/:handle", async (c) => {
    const handle = c.req.param("handle");
    await count(c, handle);
    rememberNetworkOf(c, handle);
    await rememberDevice(c, personOf(handle), "a hash");
    return c.body(null, 204);
  });

const limited: Env = { ...env, LIMITS: "" };
type Asked = { from?: string | undefined; cookie?: string; method?: string; by?: Env };

async function ask(handle: string, { from, cookie, method = "GET", by = limited }: Asked): Promise<Response> {
  const headers = { ...(from !== undefined && { "cf-connecting-ip": from }), ...(cookie !== undefined && { cookie }) };
  const context = createExecutionContext();
  const response = await app.request(`/${handle}`, { headers, method }, by, context);
  await waitOnExecutionContext(context);
  return response;
}
const attempt = async (handle: string, asked: Asked) => (await ask(handle, asked)).status;
/** Returns how many of `count` attempts in a row are allowed. */
async function allowed(count: number, handle: (n: number) => string, asked: (n: number) => Asked): Promise<number> {
  let number = 0;
  for (let n = 0; n < count; n += 1) if ((await attempt(handle(n), asked(n))) === 204) number += 1;
  return number;
}
const newNetwork = () => `2001:db8:${[0, 0].map(() => Math.floor(Math.random() * 65_536).toString(16)).join(":")}`;
const cookieOf = (response: Response) => response.headers.getSetCookie()[0]?.split("; ")[0] ?? "";

describe("a sign-in is limited", () => {
  it("by network across handles, by the address that Cloudflare reports and no other", async () => {
    const network = newNetwork();
    const from = (n: number) => ({ from: `${network}::${n.toString(16)}` });
    expect(await allowed(50, randomHandle, from)).toBe(30);
    expect(await attempt(randomHandle(), { from: `${newNetwork()}::1` })).toBe(204);
    later(MINUTE);
    expect(await allowed(50, randomHandle, from)).toBe(10);
    expect((await app.request("/x", { headers: { "x-forwarded-for": `${network}::1` } }, limited)).status).toBe(204);
  });

  it("by handle and network, and says for how long", async () => {
    const [handle, from] = [randomHandle(), `${newNetwork()}::1`];
    expect(
      await allowed(
        20,
        () => handle,
        () => ({ from }),
      ),
    ).toBe(10);
    const refused = await ask(handle, { from });
    expect(refused.headers.get("retry-after")).toBe("60");
    expect(await refused.json()).toMatchObject({
      code: "too_many_attempts",
      limit: "sign-in-pair",
      detail: "Too many attempts in a short time. Try again in 60 seconds.",
    });
    expect(await attempt(randomHandle(), { from })).toBe(204);
    later(MINUTE);
    expect(
      await allowed(
        5,
        () => handle,
        () => ({ from }),
      ),
    ).toBe(1);
  });

  it("exactly, however many attempts come at once", async () => {
    const [handle, from] = [randomHandle(), `${newNetwork()}::1`];
    const statuses = await Promise.all(Array.from({ length: 60 }, () => attempt(handle, { from })));
    expect(statuses.filter((status) => status === 204)).toHaveLength(10);
  });

  it("in the isolate while the actor fails or hangs", async () => {
    const broken = (charge: () => Promise<never>): Env => ({
      ...limited,
      ALLOWANCES: { getByName: () => ({ charge }) } as unknown as Env["ALLOWANCES"],
    });
    const failing = broken(() => Promise.reject(new Error("planted")));
    const [handle, from] = [randomHandle(), `${newNetwork()}::1`];
    expect(
      await allowed(
        20,
        () => handle,
        () => ({ from, by: failing }),
      ),
    ).toBe(10);
    const hanging = broken(() => new Promise(() => undefined));
    expect(await attempt(handle, { from, by: hanging })).toBe(429);
    expect(await attempt(randomHandle(), { from: `${newNetwork()}::1`, by: hanging })).toBe(204);
  });

  it("where the platform gives no address, for all together and generously", async () => {
    const handle = randomHandle();
    expect(
      await allowed(
        220,
        () => handle,
        () => ({}),
      ),
    ).toBe(200);
  });
});

describe("nobody is locked out by the attempts of others", () => {
  it("from another network", async () => {
    const [handle, owner] = [randomHandle(), `${newNetwork()}::1`];
    await ask(handle, { method: "POST", from: owner });
    const attacker = `${newNetwork()}::1`;
    expect(
      await allowed(
        50,
        () => handle,
        () => ({ from: attacker }),
      ),
    ).toBe(10);
    expect(await attempt(handle, { from: owner })).toBe(204);
  });

  it("of many networks, if their network or browser has signed in before", async () => {
    const [handle, owner] = [randomHandle(), `${newNetwork()}::1`];
    const signedIn = await ask(handle, { method: "POST", from: owner });
    expect(
      await allowed(
        100,
        () => handle,
        () => ({ from: `${newNetwork()}::1` }),
      ),
    ).toBe(29); // One by the owner.
    expect(await attempt(handle, { from: owner })).toBe(204);
    const elsewhere = `${newNetwork()}::1`;
    expect(await attempt(handle, { from: elsewhere })).toBe(429);
    expect(await attempt(handle, { from: elsewhere, cookie: cookieOf(signedIn) })).toBe(204);
    expect(await attempt(randomHandle(), { from: elsewhere })).toBe(204);
  });

  it("in their own network, in a browser that has signed in before", async () => {
    const [handle, from] = [randomHandle(), `${newNetwork()}::1`];
    const cookie = cookieOf(await ask(handle, { method: "POST", from }));
    expect(
      await allowed(
        50,
        () => handle,
        () => ({ from }),
      ),
    ).toBe(9);
    expect(await attempt(handle, { from, cookie })).toBe(204);
    const many = Array.from({ length: 30 }, randomHandle);
    await allowed(
      30,
      (n) => many[n] ?? "",
      () => ({ from }),
    );
    expect(await attempt(handle, { from, cookie })).toBe(204);
  });
});

describe("the cookie of known browsers", () => {
  it("allows a limited number of attempts, at its own person only", async () => {
    const [handle, other] = [randomHandle(), randomHandle()];
    const cookie = cookieOf(await ask(handle, { method: "POST", from: `${newNetwork()}::1` }));
    const from = `${newNetwork()}::1`;
    expect(
      await allowed(
        30,
        () => handle,
        () => ({ from, cookie }),
      ),
    ).toBe(10);
    expect(
      await allowed(
        30,
        () => other,
        () => ({ from, cookie }),
      ),
    ).toBe(10);
  });

  it("is worth nothing when forged", async () => {
    const [handle, other] = [randomHandle(), randomHandle()];
    const cookie = cookieOf(await ask(other, { method: "POST", from: `${newNetwork()}::1` }));
    const from = `${newNetwork()}::1`;
    await allowed(
      10,
      () => handle,
      () => ({ from }),
    );
    for (const forged of [
      cookie,
      cookie.replace(personOf(other), personOf(handle)),
      `__Host-devices=${personOf(handle)}-${"A".repeat(22)}`,
      "__Host-devices=...",
    ]) {
      expect(await attempt(handle, { from, cookie: forged })).toBe(429);
    }
  });
});

it("limits attempts of a session to prove the password, and locks out no sign-in by that", async () => {
  const [handle, from] = [randomHandle(), `${newNetwork()}::1`];
  const cookie = cookieOf(await ask(handle, { method: "POST", from }));
  const outcomes: number[] = [];
  const proof = new Hono<App>().onError(problem).get("/", async (c) => {
    await countProof(c, personOf(handle));
    return c.body(null, 204);
  });
  for (let n = 0; n < 20; n += 1) outcomes.push((await proof.request("/", {}, limited)).status);
  expect(outcomes.filter((status) => status === 204)).toHaveLength(10);
  expect(await attempt(handle, { from, cookie })).toBe(204);
});

it("limits sign-ups of a network, and of all without an address", async () => {
  const from = `${newNetwork()}::1`;
  expect(
    await allowed(
      30,
      () => "sign-up",
      () => ({ from }),
    ),
  ).toBe(10);
  expect(await attempt("sign-up", { from: `${newNetwork()}::1` })).toBe(204);
  expect(
    await allowed(
      210,
      () => "sign-up",
      () => ({}),
    ),
  ).toBeLessThanOrEqual(200);
});

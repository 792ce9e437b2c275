/** What push services answer, and what follows (fault F28). */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { signUp } from "../../../tests/runtime/world/people.ts";
import type { Respond } from "../../../tests/runtime/push/push-service.ts";
import { devicesOf, pushWorld, stateOf, writeFollowNotification } from "../../../tests/runtime/push/pushed.ts";

const world = await pushWorld();
const { services, messages } = world;
const warnings: unknown[] = [];

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation((...said: unknown[]) => void warnings.push(said));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const list of [services.arrived, services.asked, messages, warnings]) list.length = 0;
});

const answering =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    new Response(null, { status, headers });

/** Somebody whose browser's push service answers like this, after one push to it. */
async function pushedTo(answer: Respond) {
  const [ada, ben] = [await world.someone(), await signUp()];
  services.answers(ada.browser, answer);
  const key = await writeFollowNotification(ada, [ben]);
  expect(await world.consume([key])).toEqual({ acked: 1, retried: 0 });
  return { ada, key, devices: await devicesOf(ada.person.id) };
}

it.each([200, 201, 202])("%i is taken", async (status) => {
  const { devices } = await pushedTo(answering(status));
  expect(services.arrived).toHaveLength(1);
  expect(devices).toMatchObject([{ failingSince: null }]);
  expect(messages).toEqual([]);
});

it.each([404, 410])("%i unsubscribes", async (status) => {
  const { devices, key } = await pushedTo(answering(status));
  expect(devices).toEqual([]);
  expect(messages).toEqual([]);
  expect((await stateOf(key)).pushed).toBeGreaterThan(0);
});

it("413 is answered by a smaller one, and that is all that can be done", async () => {
  const sizes: number[] = [];
  const tooLarge: Respond = ({ body }) => {
    sizes.push((body as Uint8Array).length);
    return new Response(null, { status: sizes.length === 1 ? 413 : 201 });
  };
  await pushedTo(tooLarge);
  expect(sizes[0]).toBe(4096);
  expect(sizes[1]).toBeLessThan(500);
  expect(services.arrived).toHaveLength(1);

  const { devices } = await pushedTo(answering(413));
  expect(devices).toMatchObject([{ failingSince: expect.any(Number) as number }]);
  expect(messages).toEqual([]);
  expect(JSON.stringify(warnings)).toContain("413");
});

/** A whole second: an HTTP date has no milliseconds. */
const NOW = Math.ceil(Date.now() / 1000) * 1000;
const inSeconds = (seconds: number): string => new Date(NOW + seconds * 1000).toUTCString();

it.each([
  [429, "120", 120],
  [503, "7200", 7200],
  [503, "999999", 43_200],
  [429, "0", 1],
  [429, inSeconds(600), 600],
  [503, inSeconds(-3600), 1],
  [429, "soon", 30],
  [500, undefined, 30],
  [502, undefined, 30],
  [408, undefined, 30],
])("%i with Retry-After %s waits for %i s", async (status, after, delay) => {
  vi.useFakeTimers({ now: NOW, toFake: ["Date"] });
  const { ada, key, devices } = await pushedTo(answering(status, after === undefined ? {} : { "retry-after": after }));
  const { endpoint } = ada.browser.subscription;
  expect(messages).toEqual([{ body: { ...key, again: { endpoint, attempt: 1 } }, delay }]);
  expect(devices).toMatchObject([{ failingSince: Date.now() }]);
});

it("tries again further and further apart, and at last no more", async () => {
  const { ada } = await pushedTo(answering(500));
  const delays: number[] = [];
  while (messages.length > 0 && delays.length < 20) {
    const [message] = messages.splice(0);
    delays.push(message?.delay ?? 0);
    await world.consume([message?.body]);
  }
  expect(delays).toEqual([30, 120, 480, 1920, 7680, 30_720]);
  expect(services.asked).toHaveLength(7);

  services.answers(ada.browser, answering(201));
  await world.announced(await writeFollowNotification(ada, [await signUp()]));
  expect(services.arrived).toHaveLength(1);
  expect(await devicesOf(ada.person.id)).toMatchObject([{ failingSince: null }]);
});

it("tries again to the browser that was not reached, and to no other one", async () => {
  const [ada, ben] = [await world.someone(), await signUp()];
  await world.subscribed(ada, services.browser(answering(429, { "retry-after": "5" })));
  const key = await writeFollowNotification(ada, [ben]);
  await world.consume([key]);
  expect(services.arrived).toHaveLength(1);
  const [retry] = messages.splice(0);
  await world.consume([retry?.body]);
  expect(services.asked).toHaveLength(3);
  expect(services.arrived).toHaveLength(1);
});

it.each([400, 401, 403, 405])("%i is given up, and said why", async (status) => {
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] }); // The log is bounded, and earlier tests filled it.
  const { devices } = await pushedTo(answering(status));
  expect(messages).toEqual([]);
  expect(devices).toMatchObject([{ failingSince: expect.any(Number) as number }]);
  expect(JSON.stringify(warnings)).toContain(`"${status}"`);
  expect(JSON.stringify(warnings)).not.toContain("/wpush/"); // Anybody who reads the log could push there.
});

it.each([301, 302, 307, 308])("%i is not followed", async (status) => {
  const redirects: (string | undefined)[] = [];
  const inward: Respond = ({ redirect }) => {
    redirects.push(redirect);
    return answering(status, { location: "http://169.254.169.254/latest/meta-data" })();
  };
  await pushedTo(inward);
  expect(services.asked).toHaveLength(1);
  expect(redirects).toEqual(["manual"]);
  expect(messages).toEqual([]);
});

it("reads no answer, however long it is", async () => {
  let read = 0;
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        read += 1;
        controller.enqueue(new Uint8Array(1024));
      },
      cancel: () => {
        cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  await pushedTo(() => new Response(endless, { status: 201 }));
  expect(services.arrived).toHaveLength(1);
  expect(read).toBe(0);
  expect(cancelled).toBe(true);
});

it("asks six at once at most, and lets no silent one hold up the others", { timeout: 60_000 }, async () => {
  const never: Respond = () => new Promise<Response>(() => undefined);
  const ben = await signUp();
  const people = await Promise.all(Array.from({ length: 12 }, () => world.someone()));
  const dead = people.slice(0, 4);
  for (const { browser } of dead) services.answers(browser, never);
  const keys = await Promise.all(people.map((person) => writeFollowNotification(person, [ben])));
  const started = performance.now();
  await world.consume(keys);
  expect(performance.now() - started).toBeLessThan(15_000);
  expect(services.arrived).toHaveLength(8);
  expect(services.openAtMost).toBeLessThanOrEqual(6);
  expect(messages.map(({ delay }) => delay)).toEqual([30, 30, 30, 30]);
});

it("gives up a browser that nothing has reached for a week", async () => {
  const { ada, devices } = await pushedTo(answering(403));
  expect(devices).toHaveLength(1);
  await d1Of(env, ada.person.id)
    .prepare("UPDATE push_subscriptions SET failing_since = ? WHERE person = ?")
    .bind(Date.now() - 7 * 24 * 3600_000 - 1000, ada.person.id)
    .run();
  await world.consume([await writeFollowNotification(ada, [await signUp()])]);
  expect(await devicesOf(ada.person.id)).toEqual([]);
});

it("sends to no address that is not a push service's any more", async () => {
  const [ada, ben] = [await world.someone(), await signUp()];
  await d1Of(env, ada.person.id)
    .prepare("UPDATE push_subscriptions SET endpoint = 'https://169.254.169.254/x' WHERE person = ?")
    .bind(ada.person.id)
    .run();
  await world.consume([await writeFollowNotification(ada, [ben])]);
  expect(services.asked).toEqual([]);
  expect(await devicesOf(ada.person.id)).toEqual([]);
});

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { PersonId } from "../../schema/ids.ts";
import { relayOfPerson } from "../../schema/live/live-relays.ts";
import { byD1, d1Of } from "../../tests/runtime/stores/d1.ts";
import { d1Costs } from "../../tests/runtime/stores/d1-costs.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { connect, hangUp } from "../../tests/runtime/live/live.ts";
import { signUp } from "../../tests/runtime/world/people.ts";
import { newPerson } from "../../tests/runtime/world/posts.ts";
import { sendHints } from "./socket-hints.ts";

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  hangUp();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const sleep = (ms: number) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

it("sends a hint to signed-in sockets when they open and when there is news, at most four times a second", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  const [adas, bens, nobodys] = [await connect(ada), await connect(ben), await connect()];
  await Promise.all([adas.untilTold(1), bens.untilTold(1)]);
  const people = [ada.person.id, newPerson(), ada.person.id];
  const started = Date.now();
  for (let n = 0; n < 10; n += 1) void sendHints(env, people);
  await adas.untilTold(2);
  await sleep(600);
  await sendHints(env, people);
  const atMost = 2 + Math.ceil((Date.now() - started) / 250);
  expect(adas.told.length).toBeLessThanOrEqual(atMost);
  for (const [index, time] of adas.told.entries()) expect(time - (adas.told[index - 1] ?? 0)).toBeGreaterThan(200);
  expect([bens.told.length, nobodys.told.length]).toEqual([1, 0]);
  expect(bens.frames).toEqual([]);
});

async function placesOf(person: PersonId): Promise<{ relay: string; until: number }[]> {
  const rows = await d1Of(env, person)
    .prepare("SELECT relay, until FROM live_places WHERE person = ?")
    .bind(person)
    .all<{ relay: string; until: number }>();
  return rows.results;
}

it("finds people wherever they are connected, and deletes places that they have left", async () => {
  const ada = await signUp();
  const [home, away] = [await connect(ada), await connect({ ...ada, cf: { continent: "NA", longitude: "-75" } })];
  await Promise.all([home.untilTold(1), away.untilTold(1)]);
  const names = (await placesOf(ada.person.id)).map(({ relay }) => relay).toSorted();
  expect(names).toEqual([relayOfPerson("enam", ada.person.id), relayOfPerson("weur", ada.person.id)].toSorted());
  await sendHints(env, [ada.person.id]);
  await Promise.all([home.untilTold(2), away.untilTold(2)]);

  away.socket.close();
  await away.closed;
  await vi.waitFor(async () => {
    await sendHints(env, [ada.person.id]);
    expect((await placesOf(ada.person.id)).map(({ relay }) => relay)).toEqual([relayOfPerson("weur", ada.person.id)]);
  });
  // A person who comes back is found again, although this relay has just reported that it does not hold them.
  const back = await connect({ ...ada, cf: { continent: "NA", longitude: "-75" } });
  await back.untilTold(1);
  await sendHints(env, [ada.person.id]);
  await back.untilTold(2);
});

it("records a person's relay once a day, not for each socket", async () => {
  const ada = await signUp();
  await (await connect(ada)).untilTold(1);
  const [first] = await placesOf(ada.person.id);
  // By then no earlier call can still delete the row.
  const later = Date.now() + 120_000;
  vi.useFakeTimers({ now: later, toFake: ["Date"] });
  await (await connect(ada)).untilTold(1);
  expect(await placesOf(ada.person.id)).toEqual([first]);
  vi.setSystemTime(later + 25 * 3_600_000);
  await (await connect(ada)).untilTold(1);
  expect((await placesOf(ada.person.id))[0]?.until).toBeGreaterThan(first?.until ?? Number.POSITIVE_INFINITY);
});

it("never throws, whatever fails", async () => {
  const ada = await signUp();
  await (await connect(ada)).untilTold(1);
  vi.spyOn(env.LIVE_RELAYS, "getByName").mockImplementation(() => {
    throw new Error("no way there");
  });
  await sendHints(env, [ada.person.id]);
  vi.spyOn(d1Of(env, ada.person.id), "prepare").mockImplementation(() => {
    throw new Error("D1_ERROR");
  });
  await sendHints(env, [ada.person.id]);
  expect((await placesOf(ada.person.id).catch(() => ["kept"])).length).toBe(1);
});

it("queries each database once and calls each relay once, however many people there are", async () => {
  const people = await Promise.all(Array.from({ length: 12 }, () => signUp()));
  const clients = await Promise.all(people.slice(0, 8).map((person) => connect(person)));
  await Promise.all(clients.map((client) => client.untilTold(1)));
  const getByName = vi.spyOn(env.LIVE_RELAYS, "getByName");
  const ids = people.map(({ person }) => person.id);
  const { queries } = await d1Costs(() => sendHints(env, ids));
  await Promise.all(clients.map((client) => client.untilTold(2)));
  const places = queries.filter((sql) => sql.includes("live_places"));
  expect(places.length).toBe(byD1(env, ids, (id) => id).size);
  const relays = new Set(ids.slice(0, 8).map((id) => relayOfPerson("weur", id)));
  expect(getByName.mock.calls.map(([name]) => name).toSorted()).toEqual([...relays].toSorted());
});

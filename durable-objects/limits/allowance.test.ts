import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Buckets, type Charge } from "../../schema/limits/buckets.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const DAY = 24 * 3_600_000;
const figures = { burst: 10, perMinute: 6, perDay: 20 };
const one = (name = "like", cost = 1): Charge[] => [{ name, figures, cost }];
const newAllowance = () => env.ALLOWANCES.getByName(crypto.randomUUID());
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const rowsOf = (allowance: DurableObjectStub) =>
  runInDurableObject(allowance, (_, { storage }) => {
    const tables = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name IN ('buckets', 'known')")
      .toArray();
    return tables.flatMap(({ name }) => storage.sql.exec(`SELECT * FROM ${name}`).toArray());
  });

it("is exact however many charges come at once", async () => {
  const allowance = newAllowance();
  const charged = await Promise.all(Array.from({ length: 100 }, () => allowance.charge(one())));
  expect(charged.filter(({ allowed }) => allowed)).toHaveLength(10);
});

it("writes charges together, and nothing for what it refuses", async () => {
  const allowance = newAllowance();
  for (let n = 0; n < 100; n += 1) await allowance.charge(one());
  await allowance.charge(one("follow"));
  expect(await rowsOf(allowance)).toEqual([]);
  await allowance.save();
  expect(await rowsOf(allowance)).toHaveLength(2);
  const before = await rowsOf(allowance);
  for (let n = 0; n < 10; n += 1) expect((await allowance.charge(one())).allowed).toBe(false);
  await allowance.save();
  expect(await rowsOf(allowance)).toEqual(before);
});

it("writes them two seconds later by itself", async () => {
  const allowance = newAllowance();
  await allowance.charge(one());
  await vi.waitFor(async () => expect(await rowsOf(allowance)).toHaveLength(1), { timeout: 10_000 });
});

it("deletes its storage once all is full again, and goes on", async () => {
  const allowance = newAllowance();
  await allowance.charge(one());
  await allowance.charge(one("follow", 10));
  await allowance.save();
  later(DAY / 4);
  await runDurableObjectAlarm(allowance);
  expect(await rowsOf(allowance)).toMatchObject([{ name: "follow" }]);
  later(DAY);
  await runDurableObjectAlarm(allowance);
  expect(await rowsOf(allowance)).toEqual([]);
  expect(await runInDurableObject(allowance, (_, { storage }) => storage.getAlarm())).toBeNull();
  await allowance.charge(one());
  await allowance.save();
  expect(await rowsOf(allowance)).toHaveLength(1);
});

it("charges nothing to a network that it knows, for three months", async () => {
  const allowance = newAllowance();
  await allowance.remember("home");
  await evictDurableObject(allowance);
  for (let n = 0; n < 20; n += 1) expect((await allowance.charge(one(), "home")).allowed).toBe(true);
  const others = await Promise.all(Array.from({ length: 20 }, (_, n) => allowance.charge(one(), `elsewhere ${n}`)));
  expect(others.filter(({ allowed }) => allowed)).toHaveLength(10);
  expect((await allowance.charge(one(), "home")).allowed).toBe(true);
  later(91 * DAY);
  for (let n = 0; n < 10; n += 1) expect((await allowance.charge(one(), "home")).allowed).toBe(true);
  expect((await allowance.charge(one(), "home")).allowed).toBe(false);
  await runDurableObjectAlarm(allowance);
  expect((await rowsOf(allowance)).filter((row) => "network" in row)).toEqual([]);
});

it("knows the fifty newest networks, and writes a known one once a month", async () => {
  const allowance = newAllowance();
  for (let n = 0; n < 60; n += 1) {
    later(1);
    await allowance.remember(`network ${n}`);
  }
  const networks = (await rowsOf(allowance)).map(({ network }) => network);
  expect(networks).toHaveLength(50);
  expect(networks).not.toContain("network 9");
  const before = await rowsOf(allowance);
  later(20 * DAY);
  await allowance.remember("network 59");
  expect(await rowsOf(allowance)).toEqual(before);
  later(11 * DAY);
  await allowance.remember("network 59");
  expect(await rowsOf(allowance)).not.toEqual(before);
});

type Step = fc.AsyncCommand<Buckets, ReturnType<typeof newAllowance>>;
const step = (name: string, run: Step["run"]): Step => ({ check: () => true, toString: () => name, run });
const anyCharge = fc.record({ name: fc.constantFrom("like", "follow"), cost: fc.constantFrom(1, 3, 10, -1) });
const steps = fc.commands(
  [
    anyCharge.map(({ name, cost }) =>
      step(`charge(${name}, ${cost})`, async (model, allowance) => {
        expect(await allowance.charge(one(name, cost))).toEqual(model.charge(one(name, cost), Date.now()));
      }),
    ),
    fc
      .constantFrom(1, 999, 10_000, 60_000, DAY / 20, DAY)
      .map((ms) => step(`later(${ms})`, async () => void later(ms))),
    fc.constant(
      step("evict", async (_, allowance) => {
        await allowance.save();
        await evictDurableObject(allowance);
      }),
    ),
    fc.constant(step("alarm", async (_, allowance) => void (await runDurableObjectAlarm(allowance)))),
  ],
  { maxCommands: 40, size: "max" },
);

it("behaves like buckets in memory, across evictions and alarms", async () => {
  await fc.assert(
    fc.asyncProperty(steps, (run) => fc.asyncModelRun(() => ({ model: new Buckets(100), real: newAllowance() }), run)),
    { numRuns: 8 },
  );
});

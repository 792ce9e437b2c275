import { expect, it, vi } from "vitest";
import { Flights } from "./flights.ts";

const background = { waitUntil: () => undefined };

/** Flights whose reads finish on demand. */
function scene() {
  const loads: { keys: string[]; land: () => void; fail: (error: Error) => void }[] = [];
  const load = vi.fn(
    (keys: string[]) =>
      new Promise<Map<string, string>>((resolve, reject) => {
        const land = () =>
          resolve(new Map(keys.filter((key) => key !== "absent").map((key) => [key, key.toUpperCase()])));
        loads.push({ keys, land, fail: reject });
      }),
  );
  const flights = new Flights<string, string>();
  return { loads, read: (...keys: string[]) => flights.read(background, keys, load) };
}

it("shares one read of a key among concurrent requests", async () => {
  const { loads, read } = scene();
  const reads = [read("a", "b"), read("b"), read("b", "c", "absent")];
  expect(loads.map(({ keys }) => keys)).toEqual([
    ["a", "b"],
    ["c", "absent"],
  ]);
  for (const { land } of loads) land();
  expect((await Promise.all(reads)).map((found) => [...found.values()].sort())).toEqual([
    ["A", "B"],
    ["B"],
    ["B", "C"],
  ]);
  void read("a");
  expect(loads).toHaveLength(3); // Finished reads are not kept.
});

it("fails for all requests that joined, and for none after them", async () => {
  const { loads, read } = scene();
  const reads = [read("a"), read("a")].map((found) => found.catch(String));
  loads[0]?.fail(new Error("down"));
  expect(await Promise.all(reads)).toEqual(["Error: down", "Error: down"]);
  const next = read("a");
  loads[1]?.land();
  expect([...(await next).values()]).toEqual(["A"]);
});

it("stops waiting for a request that may have ended", async () => {
  const { loads, read } = scene();
  void read("a"); // Never lands.
  const second = read("a");
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(loads).toHaveLength(2);
  loads[1]?.land();
  expect([...(await second).values()]).toEqual(["A"]);
});

import { expect, it, vi } from "vitest";
import { Flights } from "./flights.ts";

const background = { waitUntil: () => undefined };

/** Reads that are answered when told to. */
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

it("reads once what many ask for at once, and only what nobody is reading yet", async () => {
  const { loads, read } = scene();
  const asked = [read("a", "b"), read("b"), read("b", "c", "absent")];
  expect(loads.map(({ keys }) => keys)).toEqual([
    ["a", "b"],
    ["c", "absent"],
  ]);
  for (const { land } of loads) land();
  expect((await Promise.all(asked)).map((found) => [...found.values()].sort())).toEqual([
    ["A", "B"],
    ["B"],
    ["B", "C"],
  ]);
  void read("a");
  expect(loads).toHaveLength(3); // What has landed is not kept.
});

it("fails for all who have joined, and for nobody after them", async () => {
  const { loads, read } = scene();
  const asked = [read("a"), read("a")].map((found) => found.catch(String));
  loads[0]?.fail(new Error("down"));
  expect(await Promise.all(asked)).toEqual(["Error: down", "Error: down"]);
  const next = read("a");
  loads[1]?.land();
  expect([...(await next).values()]).toEqual(["A"]);
});

it("waits for nobody who may be gone", async () => {
  const { loads, read } = scene();
  void read("a"); // Never lands.
  const second = read("a");
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(loads).toHaveLength(2);
  loads[1]?.land();
  expect([...(await second).values()]).toEqual(["A"]);
});

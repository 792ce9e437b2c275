import { expect, it } from "vitest";
import { Refusal } from "../../schema/api/refusals.ts";
import { hashInTurn, TURNS_MAX, TURNS_PER_NETWORK, withTurn } from "./hashing-turns.ts";

/** Hashes that end when they are told to. */
function hashes() {
  const running: (() => void)[] = [];
  let most = 0;
  const hash = async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    running.push(resolve);
    most = Math.max(most, running.length);
    await promise;
    running.splice(running.indexOf(resolve), 1);
    return "hashed";
  };
  return { hash, running, most: () => most };
}
const settled = async (results: Promise<string>[], running: (() => void)[]) => {
  const state = { isOver: false };
  const all = Promise.allSettled(results).finally(() => (state.isOver = true));
  while (!state.isOver) {
    running[0]?.();
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
  }
  return (await all).map((result) =>
    result.status === "fulfilled" ? result.value : result.reason instanceof Refusal && result.reason.code,
  );
};

it("runs one hash at a time, lets a few wait, and refuses the rest at once", async () => {
  const { hash, running, most } = hashes();
  const results = Array.from({ length: 60 }, (_, n) => hashInTurn(`network ${n}`, hash));
  const outcomes = await settled(results, running);
  expect(outcomes.filter((outcome) => outcome === "hashed")).toHaveLength(TURNS_MAX);
  expect(outcomes.slice(TURNS_MAX)).toEqual(Array.from({ length: 60 - TURNS_MAX }, () => "busy"));
  expect(most()).toBe(1);
});

it("leaves turns to others when one network asks for all", async () => {
  const { hash, running } = hashes();
  const greedy = Array.from({ length: 60 }, () => hashInTurn("one network", hash));
  const other = hashInTurn("another network", hash);
  const outcomes = await settled([other, ...greedy], running);
  expect(outcomes[0]).toBe("hashed");
  expect(outcomes.filter((outcome) => outcome === "hashed")).toHaveLength(1 + TURNS_PER_NETWORK);
});

it("goes on after a hash that failed", async () => {
  const failed = hashInTurn("a", () => Promise.reject(new Error("planted")));
  const next = hashInTurn("a", async () => "hashed");
  await expect(failed).rejects.toThrow("planted");
  expect(await next).toBe("hashed");
});

it("refuses before anything is read, and gives the place back whatever happens", async () => {
  const { hash, running } = hashes();
  let reads = 0;
  const results = Array.from({ length: 60 }, (_, n) =>
    withTurn(`network ${n}`, async (inTurn) => {
      reads += 1;
      await Promise.resolve();
      return inTurn(hash);
    }),
  );
  expect(reads).toBe(TURNS_MAX);
  await settled(results, running);
  for (let n = 0; n <= TURNS_MAX; n += 1) {
    await expect(withTurn("a", () => Promise.reject(new Error("planted")))).rejects.toThrow("planted");
  }
});

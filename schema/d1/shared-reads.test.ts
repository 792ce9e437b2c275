import { expect, it } from "vitest";
import { TimeoutError } from "./deadline.ts";
import { SharedReads } from "./shared-reads.ts";
import { Breaker } from "./breaker.ts";

const background = { waitUntil: () => undefined };

/**
 * A database whose nearest replica is at `copies.replica` and whose primary is at `copies.primary`. Each query returns the
 * state that it has read. `calls` are the constraints of all calls; a call with a bookmark beyond the primary is rejected.
 */
function database(copies: { replica: string; primary: string; error?: Error | undefined }) {
  const calls: string[] = [];
  const inSession = async (queries: readonly unknown[], consistency: string) => {
    calls.push(consistency);
    const isPrimary = consistency === "first-primary";
    if (!isPrimary && copies.error) throw copies.error;
    const isBookmark = !consistency.startsWith("first-");
    if (isBookmark && consistency > copies.primary) throw new Error("D1_ERROR: Invalid bookmark");
    const isOld = isBookmark && consistency > copies.replica;
    const bookmark = isPrimary || isOld ? copies.primary : copies.replica;
    return { results: queries.map(() => ({ rows: [bookmark] })), bookmark };
  };
  const shared = new SharedReads({ inSession }, new Breaker());
  const read = async (needs: { atLeast?: string; floor?: string } = {}) =>
    (await shared.replica<string>({ sql: "SELECT", params: [] }, needs, background)).rows[0];
  return { calls, read };
}

it("never reads a state older than the one that a request needs, although other calls fail", async () => {
  const copies: Parameters<typeof database>[0] = { replica: "5", primary: "7" };
  const { read } = database(copies);
  expect(await read()).toBe("5");
  Object.assign(copies, { replica: "3", error: new Error("D1_ERROR: Network connection lost.") }); // Another replica.
  expect(await Promise.all([read({ atLeast: "5" }), read({ atLeast: "5" })])).toEqual(["7", "7"]);
  delete copies.error;
  expect([await read({ atLeast: "5" }), await read()]).toEqual(["7", "7"]);
});

it("continues from the same state after a call that took too long", async () => {
  const copies: Parameters<typeof database>[0] = { replica: "5", primary: "7" };
  const { calls, read } = database(copies);
  await read();
  copies.error = new TimeoutError("D1", 2000);
  await expect(read({ atLeast: "4" })).rejects.toThrow(TimeoutError);
  calls.length = 0;
  // The breaker spares the replica, also from requests that need a state it is known to have.
  await expect(read({ atLeast: "4" })).rejects.toThrow(TimeoutError);
  expect(calls).toEqual([]);
});

it("reads the primary once when D1 rejects what it has read before, and continues from there", async () => {
  const copies = { replica: "5", primary: "7" };
  const { calls, read } = database(copies);
  await read();
  Object.assign(copies, { replica: "2", primary: "2" }); // Restored.
  calls.length = 0;
  expect([await read(), await read()]).toEqual(["2", "2"]);
  expect(calls).toEqual(["5", "first-primary", "2"]);
});

it("reads from its floor on, in shared calls", async () => {
  const { calls, read } = database({ replica: "5", primary: "7" });
  await Promise.all([read({ floor: "4" }), read({ floor: "4", atLeast: "3" })]);
  await read({ floor: "4" });
  expect(calls).toEqual(["4", "5"]);
});

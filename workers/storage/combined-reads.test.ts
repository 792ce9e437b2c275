import { expect, it } from "vitest";
import { CombinedReads, type Query, type QueryResult } from "./combined-reads.ts";

const background = { waitUntil: () => undefined };
const query = (id: number): Query => ({ sql: "SELECT ?1", params: [id] });
const idOf = ({ rows }: QueryResult<unknown>) => rows[0];

/** A database whose calls finish on demand. The result of each query is its own parameter. */
function database() {
  const calls: { ids: unknown[]; finish: () => void; fail: (error: Error) => void }[] = [];
  const reads = new CombinedReads(
    (queries) =>
      new Promise((resolve, reject) => {
        const ids = queries.map(({ params }) => params[0]);
        const finish = () => resolve(ids.map((id) => ({ rows: [id], bookmark: undefined })));
        calls.push({ ids, finish, fail: reject });
      }),
  );
  const run = (id: number) => reads.run(query(id), background).then(idOf);
  return { calls, run };
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

it("runs a lone query at once, together with those of the same moment", async () => {
  const { calls, run } = database();
  const [first, second] = [run(1), run(2)];
  await turn();
  expect(calls.map(({ ids }) => ids)).toEqual([[1, 2]]);
  calls[0]?.finish();
  expect(await Promise.all([first, second])).toEqual([1, 2]);
});

it("gathers queries while a call is under way, and passes the lead on", async () => {
  const { calls, run } = database();
  const results = [run(1)];
  await turn();
  for (const id of [2, 3, 4]) results.push(run(id));
  await turn();
  expect(calls).toHaveLength(1);
  calls[0]?.finish();
  await turn();
  expect(calls.map(({ ids }) => ids)).toEqual([[1], [2, 3, 4]]);
  results.push(run(5));
  calls[1]?.finish();
  await turn();
  calls[2]?.finish();
  expect(await Promise.all(results)).toEqual([1, 2, 3, 4, 5]);
  const alone = run(6);
  await turn();
  calls[3]?.finish();
  expect(await alone).toBe(6);
});

it("puts at most 64 queries into one call", async () => {
  const { calls, run } = database();
  const results = Array.from({ length: 200 }, (_, id) => run(id));
  for (let call = 0; call < 4; call += 1) {
    await turn();
    expect(calls[call]?.ids.length).toBeLessThanOrEqual(64);
    calls[call]?.finish();
  }
  expect(await Promise.all(results)).toEqual(Array.from({ length: 200 }, (_, id) => id));
});

it("runs each query alone when a shared call fails, so that no query fails because of another", async () => {
  const { calls, run } = database();
  const results = [run(1), run(2), run(3)].map((result) => result.catch((error: Error) => error.message));
  await turn();
  calls[0]?.fail(new Error("one of them is wrong"));
  await turn();
  expect(calls.slice(1).map(({ ids }) => ids)).toEqual([[1], [2], [3]]);
  calls[1]?.finish();
  calls[2]?.fail(new Error("2 is wrong"));
  calls[3]?.finish();
  expect(await Promise.all(results)).toEqual([1, "2 is wrong", 3]);
});

it("takes over the lead from a request that may have ended, and passes it on again", async () => {
  const { calls, run } = database();
  void run(1); // Its call never finishes.
  await turn();
  const second = run(2);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(calls.map(({ ids }) => ids)).toEqual([[1], [2]]);
  calls[1]?.finish();
  expect(await second).toBe(2);
  const third = run(3);
  await turn();
  calls[2]?.finish();
  expect(await third).toBe(3);
});

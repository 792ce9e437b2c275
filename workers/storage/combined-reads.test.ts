import { expect, it } from "vitest";
import { type Answer, CombinedReads, type Query } from "./combined-reads.ts";

const background = { waitUntil: () => undefined };
const query = (id: number): Query => ({ sql: "SELECT ?1", params: [id] });
const idOf = ({ rows }: Answer<unknown>) => rows[0];

/** A database that answers when it is told to, each query with its own parameter. */
function database() {
  const calls: { ids: unknown[]; answer: () => void; fail: (error: Error) => void }[] = [];
  const reads = new CombinedReads(
    (queries) =>
      new Promise((resolve, reject) => {
        const ids = queries.map(({ params }) => params[0]);
        const answer = () => resolve(ids.map((id) => ({ rows: [id], bookmark: undefined })));
        calls.push({ ids, answer, fail: reject });
      }),
  );
  const ask = (id: number) => reads.run(query(id), background).then(idOf);
  return { calls, ask };
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

it("asks at once for who comes alone, and with it for what is asked in the same moment", async () => {
  const { calls, ask } = database();
  const [first, second] = [ask(1), ask(2)];
  await turn();
  expect(calls.map(({ ids }) => ids)).toEqual([[1, 2]]);
  calls[0]?.answer();
  expect(await Promise.all([first, second])).toEqual([1, 2]);
});

it("gathers what comes while a call is under way, and hands the lead on", async () => {
  const { calls, ask } = database();
  const asked = [ask(1)];
  await turn();
  for (const id of [2, 3, 4]) asked.push(ask(id));
  await turn();
  expect(calls).toHaveLength(1);
  calls[0]?.answer();
  await turn();
  expect(calls.map(({ ids }) => ids)).toEqual([[1], [2, 3, 4]]);
  asked.push(ask(5));
  calls[1]?.answer();
  await turn();
  calls[2]?.answer();
  expect(await Promise.all(asked)).toEqual([1, 2, 3, 4, 5]);
  const alone = ask(6);
  await turn();
  calls[3]?.answer();
  expect(await alone).toBe(6);
});

it("puts no more into one call than a database should do at once", async () => {
  const { calls, ask } = database();
  const asked = Array.from({ length: 200 }, (_, id) => ask(id));
  for (let call = 0; call < 4; call += 1) {
    await turn();
    expect(calls[call]?.ids.length).toBeLessThanOrEqual(64);
    calls[call]?.answer();
  }
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 200 }, (_, id) => id));
});

it("asks for each apart when a call for several fails, so nobody fails for another's query", async () => {
  const { calls, ask } = database();
  const asked = [ask(1), ask(2), ask(3)].map((answer) => answer.catch((error: Error) => error.message));
  await turn();
  calls[0]?.fail(new Error("one of them is wrong"));
  await turn();
  expect(calls.slice(1).map(({ ids }) => ids)).toEqual([[1], [2], [3]]);
  calls[1]?.answer();
  calls[2]?.fail(new Error("2 is wrong"));
  calls[3]?.answer();
  expect(await Promise.all(asked)).toEqual([1, "2 is wrong", 3]);
});

it("waits for nobody who may be gone: who is not led asks for itself, and the next one leads again", async () => {
  const { calls, ask } = database();
  void ask(1); // Its call is never answered.
  await turn();
  const second = ask(2);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(calls.map(({ ids }) => ids)).toEqual([[1], [2]]);
  calls[1]?.answer();
  expect(await second).toBe(2);
  const third = ask(3);
  await turn();
  calls[2]?.answer();
  expect(await third).toBe(3);
});

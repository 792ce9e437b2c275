/**
 * The short form of `npm run torture`: people write, read, lose responses and repeat requests while the server is
 * killed twice and paused once. The recorded history must be linearizable; verdicts.ts says what is checked and what is
 * not.
 *
 * It has caught these bugs, planted one at a time, by the models in parentheses: one like in 30 acknowledged but not
 * written (counts, states); one repeated like in 20 counted again (counts); one response in 50 with the previous `seq`
 * (counts, states); idempotency keys forgotten (counts, comments); comments ordered by a clock that goes back
 * (comments); one token in 20 ignored (likes, counts, own writes); counts written 300 ms after their response (counts,
 * states, comments); one comment in 20 not sent to D1 (comments, and D1 stays behind). It does not catch lost facts
 * that were never confirmed, because the outbox sends them again.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Product } from "../product/harness/product.ts";
import { Community } from "./recording/episode.ts";
import { faultsOf, type Size } from "./recording/plan.ts";
import { tallyOf } from "./tally.ts";
import { verdictsOf } from "./verdicts.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const SIZE: Size = { posts: 2, people: 3, devices: 3 };
const FAULTS = { kills: 2, pauses: 1, pause: 1500 };

let product: Product;
beforeAll(async () => {
  product = await Product.start();
});
afterAll(() => product.remove());

it("stays linearizable across kills, a pause and lost responses", async () => {
  const community = await Community.gather(product, SIZE);
  const { history, caughtUp, notCaughtUp } = await community.live(SEED, faultsOf(SEED, FAULTS));
  const checking = performance.now();
  const verdicts = verdictsOf(history);
  const { operations, unknown, lost, doubled } = tallyOf(history, verdicts);
  console.log(
    `seed ${SEED}: ${operations} operations, ${FAULTS.kills} kills, ${unknown} unknown, ${lost} lost, ${doubled} doubled; ` +
      `checked in ${Math.round(performance.now() - checking)} ms; D1 caught up after ${Math.round(caughtUp)} ms`,
  );
  // Faults that had no effect would prove nothing.
  expect(unknown).toBeGreaterThan(0);
  expect({ ...verdicts, notCaughtUp }).toEqual({
    likes: [],
    counts: [],
    states: [],
    "own writes": [],
    comments: [],
    notCaughtUp: [],
  });
});

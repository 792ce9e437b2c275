/**
 * The short form of `npm run torture`: people write, read, lose answers and repeat, while the server is killed twice and
 * held once. What they recorded must be linearizable; verdicts.ts says what is checked, and what is not.
 *
 * It has caught, each planted by itself, by the models in brackets: one like in 30 acknowledged and not written (counts,
 * states); one repeated like in 20 counted again (counts); one answer in 50 with the `seq` before (counts, states);
 * idempotency keys forgotten (counts, comments); comments ordered by a clock that goes back (comments); one token in 20
 * ignored (likes, counts, own writes); counts written 300 ms after their answer (counts, states, comments); one comment in
 * 20 left out of what goes to D1 (comments, and D1 stays behind). Not caught: facts left out that no confirmation covers,
 * because the outbox sends them again by itself.
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

it("is linearizable, through kills, a pause and lost answers", async () => {
  const community = await Community.gather(product, SIZE);
  const { history, caughtUp, notCaughtUp } = await community.live(SEED, faultsOf(SEED, FAULTS));
  const judging = performance.now();
  const verdicts = verdictsOf(history);
  const { operations, unknown, lost, doubled } = tallyOf(history, verdicts);
  console.log(
    `seed ${SEED}: ${operations} operations, ${FAULTS.kills} kills, ${unknown} unknown, ${lost} lost, ${doubled} doubled; ` +
      `judged in ${Math.round(performance.now() - judging)} ms; D1 as the actors after ${Math.round(caughtUp)} ms`,
  );
  // A fault suite whose faults have done nothing has failed.
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

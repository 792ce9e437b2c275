/**
 * `npm run torture -- --minutes 10 --seed 7`: runs episodes of writes, kills and pauses, and checks each one after its
 * end. The same seed gives the same clients, steps and faults. At the first violation it writes the history to a file
 * and exits with status 1; `--check FILE` checks such a file again.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Product } from "../product/harness/product.ts";
import { Community, type Episode } from "./recording/episode.ts";
import type { History } from "./recording/history.ts";
import { faultsOf, type Size } from "./recording/plan.ts";
import { NOTHING, plus, tallyOf } from "./tally.ts";
import { MODEL_NAMES, type Verdicts, verdictsOf, violated } from "./verdicts.ts";

const SIZE: Size = { posts: 3, people: 4, devices: 3 };
const FAULTS = { kills: 3, pauses: 1, pause: 5000 };

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "3" }, seed: { type: "string" }, check: { type: "string" } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (!Number.isSafeInteger(seed) || !(minutes > 0))
  throw new Error("--minutes takes a positive number and --seed an integer");

process.exitCode = values.check === undefined ? await torture() : check(values.check);

async function torture(): Promise<number> {
  console.log(`seed ${seed}: ${SIZE.people} people with ${SIZE.devices} devices each, ${SIZE.posts} posts per episode`);
  const product = await Product.start();
  let tally = NOTHING;
  let kills = 0;
  let pauses = 0;
  let caughtUp = 0;
  let violations: string[] = [];
  const unknown = new Map<string, number>();
  try {
    const community = await Community.gather(product, SIZE);
    const deadline = Date.now() + minutes * 60_000;
    for (let number = 1; violations.length === 0 && (number === 1 || Date.now() < deadline); number += 1) {
      const ownSeed = seed * 1000 + number;
      const faults = faultsOf(ownSeed, FAULTS);
      const episode = await community.live(ownSeed, faults);
      const verdicts = verdictsOf(episode.history);
      const own = tallyOf(episode.history, verdicts);
      tally = plus(tally, own);
      kills += faults.filter(({ kind }) => kind === "kill").length;
      pauses += faults.filter(({ kind }) => kind === "pause").length;
      caughtUp = Math.max(caughtUp, episode.caughtUp);
      for (const [why, count] of episode.unknown) unknown.set(why, (unknown.get(why) ?? 0) + count);
      violations = violationsIn(verdicts, episode);
      // An episode whose faults had no effect proves nothing.
      if (own.unknown === 0) violations.push("faults: every request got a response");
      console.log(
        `episode ${number}: ${own.operations} operations, ${own.unknown} unknown, ${own.lost} lost, ${own.doubled} doubled; ` +
          `D1 caught up after ${Math.round(episode.caughtUp)} ms; ${violations.length === 0 ? "no violations" : "VIOLATED"}`,
      );
      if (violations.length > 0) save(episode.history, number, violations);
    }
  } finally {
    await product.remove();
  }
  console.log(
    `seed ${seed}, ${minutes} minutes: ${tally.operations} operations, ${kills} kills, ${pauses} pauses, ` +
      `${tally.unknown} unknown, ${tally.lost} lost, ${tally.doubled} doubled\n` +
      `requests without a response: ${[...unknown].map(([why, count]) => `${count} ${why}`).join(", ")}\n` +
      `reads that went back (allowed): ${tally.wentBack}; D1 caught up after at most ${Math.round(caughtUp)} ms`,
  );
  for (const model of [...MODEL_NAMES, "projection"]) {
    console.log(`${model}: ${violations.some((line) => line.startsWith(`${model}:`)) ? "VIOLATED" : "holds"}`);
  }
  return violations.length === 0 ? 0 : 1;
}

function check(file: string): number {
  const history = JSON.parse(readFileSync(file, "utf8")) as History;
  const violations = violationsIn(verdictsOf(history), { notCaughtUp: [] });
  console.log(violations.length === 0 ? "no violations" : violations.join("\n"));
  return violations.length === 0 ? 0 : 1;
}

function save(history: History, episode: number, violations: string[]): void {
  const file = join(tmpdir(), `shutterline-torture-${seed}-${episode}.json`);
  writeFileSync(file, JSON.stringify(history));
  console.error(`${violations.join("\n")}\nHistory written to ${file}`);
}

function violationsIn(verdicts: Verdicts, { notCaughtUp }: Pick<Episode, "notCaughtUp">): string[] {
  const found = violated(verdicts).flatMap((model) =>
    verdicts[model].map(({ post, what }) => `${model}: ${post}: ${what}`),
  );
  return [...found, ...notCaughtUp.map(({ post, what }) => `projection: ${post}: ${what}`)];
}

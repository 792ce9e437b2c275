/**
 * `npm run torture -- --minutes 10 --seed 7`: episodes of writing, kills and pauses, each judged when it ends. The same
 * seed gives the same clients, steps and faults. Ends with 1 at the first violation, with its history in a file, which
 * `--check FILE` judges again.
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
if (!Number.isSafeInteger(seed) || !(minutes > 0)) throw new Error("--minutes N --seed S: two numbers");

process.exitCode = values.check === undefined ? await torture() : check(values.check);

async function torture(): Promise<number> {
  console.log(
    `seed ${seed}: ${SIZE.people} people with ${SIZE.devices} devices each, on ${SIZE.posts} posts an episode`,
  );
  const product = await Product.start();
  let tally = NOTHING;
  let kills = 0;
  let pauses = 0;
  let caughtUp = 0;
  let wrong: string[] = [];
  const unknown = new Map<string, number>();
  try {
    const community = await Community.gather(product, SIZE);
    const deadline = Date.now() + minutes * 60_000;
    for (let number = 1; wrong.length === 0 && (number === 1 || Date.now() < deadline); number += 1) {
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
      wrong = wrongWith(verdicts, episode);
      // An episode whose faults have done nothing has shown nothing.
      if (own.unknown === 0) wrong.push("faults: every request was answered");
      console.log(
        `episode ${number}: ${own.operations} operations, ${own.unknown} unknown, ${own.lost} lost, ${own.doubled} doubled; ` +
          `D1 as the actors after ${Math.round(episode.caughtUp)} ms; ${wrong.length === 0 ? "as promised" : "VIOLATED"}`,
      );
      if (wrong.length > 0) keep(episode.history, number, wrong);
    }
  } finally {
    await product.remove();
  }
  console.log(
    `seed ${seed}, ${minutes} minutes: ${tally.operations} operations, ${kills} kills, ${pauses} pauses, ` +
      `${tally.unknown} unknown, ${tally.lost} lost, ${tally.doubled} doubled\n` +
      `requests without an answer: ${[...unknown].map(([why, count]) => `${count} ${why}`).join(", ")}\n` +
      `reads that went back, as they may: ${tally.wentBack}; D1 was as the actors after ${Math.round(caughtUp)} ms at most`,
  );
  for (const model of [...MODEL_NAMES, "projection"]) {
    console.log(`${model}: ${wrong.some((line) => line.startsWith(`${model}:`)) ? "VIOLATED" : "holds"}`);
  }
  return wrong.length === 0 ? 0 : 1;
}

function check(file: string): number {
  const history = JSON.parse(readFileSync(file, "utf8")) as History;
  const wrong = wrongWith(verdictsOf(history), { notCaughtUp: [] });
  console.log(wrong.length === 0 ? "as promised" : wrong.join("\n"));
  return wrong.length === 0 ? 0 : 1;
}

function keep(history: History, episode: number, wrong: string[]): void {
  const file = join(tmpdir(), `shutterline-torture-${seed}-${episode}.json`);
  writeFileSync(file, JSON.stringify(history));
  console.error(`${wrong.join("\n")}\nThe history: ${file}`);
}

function wrongWith(verdicts: Verdicts, { notCaughtUp }: Pick<Episode, "notCaughtUp">): string[] {
  const found = violated(verdicts).flatMap((model) =>
    verdicts[model].map(({ post, what }) => `${model}: ${post}: ${what}`),
  );
  return [...found, ...notCaughtUp.map(({ post, what }) => `projection: ${post}: ${what}`)];
}

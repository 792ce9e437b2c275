/**
 * F3: the disk occasionally fails to write, flush and read, in any file that the runtime has open. A write that was not
 * flushed is never acknowledged (though it may exist), and every acknowledged one exists once, also after a kill.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, listAll } from "../../../scripts/api-client.ts";
import { storageOf } from "../../../scripts/paths.ts";
import { readPhotograph } from "../../../scripts/seed/seed.ts";
import { Community } from "../../histories/recording/episode.ts";
import type { Fault } from "../../histories/recording/plan.ts";
import { tallyOf } from "../../histories/tally.ts";
import { verdictsOf } from "../../histories/verdicts.ts";
import { eventually } from "../harness/eventually.ts";
import { Product } from "../harness/product.ts";
import { type Failing, FailingCalls } from "./failing-calls.ts";
import { outcomeOf } from "./outcome.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const PASSWORD = "correct horse battery";
const SIZE = { posts: 2, people: 3, devices: 2 };
/** Calls that fail together, group by group. Data that fails to flush is read again, and that read may fail too. */
const FAILING: Failing[][] = [
  [
    { call: "fsync", error: "EIO", oneIn: 2 },
    { call: "pread64", error: "EIO", oneIn: 150 },
  ],
  [{ call: "pwrite64", error: "EIO", oneIn: 25 }],
  [{ call: "pwrite64", error: "ENOSPC", oneIn: 25 }],
];
/** The pause between failures, in ms. */
const CALM = 300;
/** How long each failure lasts, in ms. */
const LASTS = 1000;
const CAUGHT_UP_WITHIN = 45_000;

const whyNot = FailingCalls.whyNot();
if (whyNot) console.warn(`SKIPPED: no I/O errors are tested, because ${whyNot}`);

describe.skipIf(whyNot !== undefined)("on a disk that fails", () => {
  let product: Product;
  let community: Community;
  beforeAll(async () => {
    product = await Product.start();
    community = await Community.gather(product, SIZE);
  });
  afterAll(() => product.remove());

  it("loses and doubles no acknowledged write", async () => {
    const fired: Record<string, number> = {};
    let calls: FailingCalls | undefined;
    const failings = FAILING.flatMap((failing): Fault[] => [
      {
        after: CALM,
        kind: "act",
        act: async () => void (calls = await FailingCalls.begin(runtimeOf(product), failing)),
      },
      {
        after: LASTS,
        kind: "act",
        act: async () => {
          const failed = await calls?.end();
          for (const { call, error } of failing) fired[`${call} ${error}`] = failed?.[call] ?? 0;
        },
      },
    ]);
    const { history, unknown, caughtUp, notCaughtUp } = await community.live(SEED, [
      ...failings,
      { after: CALM, kind: "kill" },
    ]);
    const verdicts = verdictsOf(history);
    const { operations, unknown: writes, lost, doubled } = tallyOf(history, verdicts);
    const ended = [...unknown].map(([why, count]) => `${count} ${why}`).join(", ");
    console.log(
      `seed ${SEED}: failed ${JSON.stringify(fired)}; ${operations} operations, ${writes} writes without a response, ` +
        `${lost} lost, ${doubled} doubled; requests that failed: ${ended}; D1 as the actors after ${Math.round(caughtUp)} ms`,
    );
    // A fault test whose faults had no effect has failed.
    for (const [what, times] of Object.entries(fired)) expect(times, what).toBeGreaterThan(0);
    expect(unknown.get("503") ?? 0, ended).toBeGreaterThan(0);
    expect(unknown.get("500"), product.output).toBeUndefined();
    expect({ ...verdicts, notCaughtUp }).toEqual({
      likes: [],
      counts: [],
      states: [],
      "own writes": [],
      comments: [],
      notCaughtUp: [],
    });
  });

  it("acknowledges no write that was not flushed", async () => {
    const people: Api[] = [];
    for (const handle of ["ada", "ben", "cleo"]) {
      people.push(product.api.as(await product.api.signUp({ handle, password: PASSWORD })));
    }
    const [ada] = people as [Api];
    const { id } = await ada.upload(readPhotograph("nagasaki-boats"));
    await ada.untilInspected(id);
    const post = (await ada.publish({ caption: "Low tide", media: [{ id }] })).id;
    await ada.comment(post, "before");

    const failing: Failing = { call: "fsync", error: "EIO", oneIn: 1 };
    const calls = await FailingCalls.begin(runtimeOf(product), [failing], logsOfActors(product));
    const refused: string[] = [];
    for (const person of people) {
      refused.push(await outcomeOf(person.like(post)), await outcomeOf(person.comment(post, "refused")));
    }
    const { fsync } = await calls.end();
    expect(refused).toEqual(refused.map(() => "503 unavailable"));
    expect(fsync).toBeGreaterThanOrEqual(refused.length);

    // From here on writes are acknowledged and durable, including likes that were refused but exist.
    for (const [index, person] of people.entries()) {
      expect(await person.like(post)).toMatchObject({ liked: true });
      if (index === 1) await product.kill().then(() => product.restart());
    }
    await ada.comment(post, "after");
    const caughtUp = await eventually(async () => {
      const comments = await listAll((page) => ada.comments(post, page));
      expect(await ada.post(post)).toMatchObject({ likes: people.length, comments: comments.length });
      expect(await ada.audit(post)).toMatchObject({ verdict: "equal", actor: { likes: people.length } });
      const texts = comments.map(({ text }) => text);
      expect([texts.at(0), texts.at(-1)]).toEqual(["before", "after"]);
      expect(texts.length).toBeLessThanOrEqual(2 + people.length);
    }, CAUGHT_UP_WITHIN);
    console.log(
      `${fsync} fsync failed, ${refused.length} of ${refused.length} writes refused; ` +
        `whole again ${Math.round(caughtUp)} ms after the last write`,
    );
  });
});

function runtimeOf(product: Product): number {
  const runtime = product.processes().find(({ command }) => command.includes("workerd"));
  if (!runtime) throw new Error("there is no runtime whose calls could fail");
  return runtime.pid;
}

/** The paths of the actors' write-ahead logs, which are all that a commit flushes. */
function logsOfActors(product: Product): string[] {
  const folder = join(storageOf(product.state), "do/shutterline-PostActor");
  const logs = readdirSync(folder).filter((name) => name.endsWith(".sqlite-wal"));
  return logs.map((name) => join(folder, name));
}

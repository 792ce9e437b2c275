/**
 * F4: the disk fills up, first that of the actors, then that of everything else. Nothing acknowledged is lost, writes
 * that cannot be stored get a proper problem, and everything recovers on its own once there is room again.
 */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MediaId } from "../../../schema/ids.ts";
import { type Api, listAll } from "../../../scripts/api-client.ts";
import { storageOf } from "../../../scripts/paths.ts";
import { readPhotograph } from "../../../scripts/seed/seed.ts";
import { Community } from "../../histories/recording/episode.ts";
import { tallyOf } from "../../histories/tally.ts";
import { verdictsOf } from "../../histories/verdicts.ts";
import { eventually } from "../harness/eventually.ts";
import { Product } from "../harness/product.ts";
import { outcomeOf } from "./outcome.ts";
import { SmallDisk } from "./small-disk.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const PASSWORD = "correct horse battery";
const MB = 1_048_576;
/** Enough for an empty community and a photograph, in bytes. */
const SMALL = 6 * MB;
const GROWN = 24 * MB;
/** Room for about 20 writes to actors, in bytes: each writes a few pages of 4 kB. */
const ROOM = 300_000;
/** How long the disk stays full, in ms. */
const FULL = 900;
const CAUGHT_UP_WITHIN = 45_000;
/** The permitted refusals. The runtime does not tell an actor's caller why a commit failed. */
const REFUSED = /^(503 unavailable|507 storage_full)$/;

const whyNot = SmallDisk.whyNot();
if (whyNot) console.warn(`SKIPPED: full disks are not tested, because ${whyNot}`);

describe.skipIf(whyNot !== undefined)("on small disks", () => {
  let actors: SmallDisk;
  let others: SmallDisk;
  let product: Product;
  beforeAll(async () => {
    actors = SmallDisk.mount(SMALL);
    others = SmallDisk.mount(SMALL);
    const state = join(others.path, ".shutterline");
    mkdirSync(storageOf(state), { recursive: true });
    symlinkSync(actors.path, join(storageOf(state), "do"));
    product = await Product.start({ state });
  });
  afterAll(async () => {
    try {
      await product.stop();
    } finally {
      actors.unmount();
      others.unmount();
    }
  });

  it("refuses writes it cannot store, also when repeated, and leaves nothing half done", async () => {
    const signUp = async (handle: string): Promise<Api> =>
      product.api.as(await product.api.signUp({ handle, password: PASSWORD }));
    const [ada, ben, cleo] = [await signUp("ada"), await signUp("ben"), await signUp("cleo")];
    await ada.follow("cleo");
    const media = await picture(ada);
    const { id: post } = await ada.publish({ caption: "Low tide", media });
    await ben.like(post);
    await ben.comment(post, "before");

    const refused: string[] = [];
    const isRefused = async (request: Promise<unknown>) => refused.push(await outcomeOf(request));
    actors.fill();
    // The second round finds out whether a refused write left something behind.
    for (const time of ["first", "second"]) {
      await isRefused(cleo.like(post));
      await isRefused(ben.unlike(post));
      await isRefused(cleo.comment(post, `refused for the ${time} time`));
      await isRefused(cleo.publish({ caption: "refused", media: await picture(cleo) }));
    }
    expect(await cleo.post(post)).toMatchObject({ likedByMe: false });
    expect(await outcomeOf(ben.follow("ada"))).toBe("ok"); // Writes that no actor stores still work.

    for (const outcome of refused) expect(outcome).toMatch(REFUSED);

    actors.grow(GROWN);
    expect(await cleo.like(post)).toMatchObject({ liked: true, likes: 2 });
    await cleo.comment(post, "after");
    await cleo.publish({ caption: "after", media: await picture(cleo) });
    const caughtUp = await eventually(async () => {
      expect(await ada.post(post)).toMatchObject({ likes: 2, comments: 2 });
      expect((await ada.comments(post)).items.map(({ text }) => text)).toEqual(["before", "after"]);
      expect((await listAll((page) => ada.postsOf("cleo", page))).map(({ caption }) => caption)).toEqual(["after"]);
      expect((await listAll((page) => ada.feed(page))).map(({ caption }) => caption)).toEqual(["after", "Low tide"]);
    }, CAUGHT_UP_WITHIN);
    console.log(
      `${refused.length} of ${refused.length} writes refused, none half done; ` +
        `caught up ${Math.round(caughtUp)} ms after there was room`,
    );
  });

  it("loses and doubles nothing when the disks fill up during writes", async () => {
    const community = await Community.gather(product, { posts: 2, people: 3, devices: 2 });
    const { history, unknown, caughtUp, notCaughtUp } = await community.live(SEED, [
      { after: 300, kind: "act", act: () => actors.fill(ROOM) },
      { after: FULL, kind: "act", act: () => actors.grow(2 * GROWN) },
      { after: 300, kind: "act", act: () => others.fill() },
      { after: FULL, kind: "act", act: () => others.grow(GROWN) },
      { after: 300, kind: "kill" },
    ]);
    const verdicts = verdictsOf(history);
    const { operations, unknown: writes, lost, doubled } = tallyOf(history, verdicts);
    const ended = [...unknown].map(([why, count]) => `${count} ${why}`).join(", ");
    console.log(
      `seed ${SEED}: ${operations} operations, ${writes} writes without a response, ${lost} lost, ${doubled} doubled; ` +
        `requests that failed: ${ended}; D1 as the actors after ${Math.round(caughtUp)} ms`,
    );
    // A fault test whose faults had no effect has failed.
    expect((unknown.get("503") ?? 0) + (unknown.get("507") ?? 0), ended).toBeGreaterThan(0);
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
});

async function picture(person: Api): Promise<{ id: MediaId }[]> {
  const { id } = await person.upload(readPhotograph("nagasaki-boats"));
  await person.untilInspected(id);
  return [{ id }];
}

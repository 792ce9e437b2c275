/**
 * Kills the server and its runtime during writes, as a power cut would. Local queues are in memory, so messages under
 * way are lost: only what the actors have stored can bring them back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Api, listAll } from "../../../scripts/api-client.ts";
import { readPhotograph } from "../../../scripts/seed/seed.ts";
import { eventually } from "../harness/eventually.ts";
import { Product } from "../harness/product.ts";
import { randomOf } from "../harness/random.ts";
import { Writer } from "./writer.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const PASSWORD = "correct horse battery";
const WRITERS = 8;
const KILLS = 3;
/** How long people write before a kill, in ms. */
const WRITING = { least: 400, most: 1200 };
/** A time, in ms, when a Worker has what an actor has handed out, and has not projected it yet (0.1 s later). */
const IN_THE_WORKER = 50;
/** Everything is repaired within this many ms of the last start. */
const CAUGHT_UP_WITHIN = 30_000;
/** An effect is sent again 15 s after it was stored, by a cron that runs every 10 s locally. */
const EFFECTS_WITHIN = 40_000;

let product: Product;
beforeAll(async () => {
  product = await Product.start();
});
afterAll(() => product.remove());

it("loses no acknowledged write, doubles none, and catches up on its own", async () => {
  const random = randomOf(SEED);
  const signUp = async (handle: string): Promise<Api> =>
    product.api.as(await product.api.signUp({ handle, password: PASSWORD }));
  const author = await signUp("author");
  const writers: Writer[] = [];
  for (let index = 0; index < WRITERS; index += 1) {
    const handle = `writer_${index}`;
    const writer = new Writer(await signUp(handle), handle, randomOf(SEED + index + 1));
    await writer.api.follow("author");
    writers.push(writer);
  }
  // A follow is stored at once and mirrored a moment later; fan-out reads the mirror.
  await eventually(
    async () => expect(await product.api.person("author")).toMatchObject({ followers: WRITERS }),
    10_000,
  );

  const { id } = await author.upload(readPhotograph("nagasaki-boats"));
  await author.untilInspected(id);
  const publish = async (caption: string) => (await author.publish({ caption, media: [{ id }] })).id;
  const posts = [await publish("first"), await publish("second")];
  const published = [...posts];

  const writing = Promise.all(writers.map((writer) => writer.writeTo(posts)));
  const starts: number[] = [];
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await sleep(WRITING.least + random() * (WRITING.most - WRITING.least));
    published.push(await publish(`just before kill ${kill}`));
    if (kill === KILLS) {
      // All writing has stopped and the last facts are on their way, so no new write can trigger the repair.
      for (const writer of writers) writer.stop();
      await sleep(IN_THE_WORKER);
    }
    await product.kill();
    const killed = performance.now();
    await product.restart();
    starts.push(Math.round(performance.now() - killed));
  }
  await writing;

  let wrong = ["not looked yet"];
  const caughtUp = await eventually(async () => {
    wrong = [
      ...(await Promise.all(posts.map((post) => wrongOf(post, author, writers)))).flat(),
      ...(await Promise.all(writers.map((writer) => wrongInFeed(writer, published)))).flat(),
    ];
    expect(wrong).toEqual([]);
  }, CAUGHT_UP_WITHIN).finally(() => {
    const sum = (of: (writer: Writer) => number) => writers.reduce((total, writer) => total + of(writer), 0);
    console.log(
      `seed ${SEED}: ${WRITERS} writers, ${KILLS} kills, up again after ${starts.join(", ")} ms\n` +
        `${sum((w) => w.answered)} writes acknowledged, ${sum((w) => w.acknowledged.length)} of them comments; ` +
        `without a response ${sum((w) => w.unanswered.likes)} likes and ${sum((w) => w.unanswered.comments.size)} comments\n` +
        `${wrong.filter((what) => what.startsWith("lost")).length} lost, ` +
        `${wrong.filter((what) => what.startsWith("doubled")).length} doubled, ${wrong.length} wrong in all`,
    );
  });
  console.log(`all caught up ${Math.round(caughtUp)} ms after the last start`);
});

it("finishes a follow and an inspection that a kill interrupted", async () => {
  const newcomer = product.api.as(await product.api.signUp({ handle: "newcomer", password: PASSWORD }));
  const { followers } = await product.api.person("author");
  const [{ id }] = await Promise.all([newcomer.upload(readPhotograph("black-canyon")), newcomer.follow("author")]);
  await product.kill(); // The inspection takes longer, so it is under way.
  await product.restart();
  const finished = await eventually(async () => {
    expect(await newcomer.media(id)).toMatchObject({ state: "ready" });
    expect(await product.api.person("author")).toMatchObject({ followers: followers + 1 });
    expect((await newcomer.feed()).items.length).toBeGreaterThan(0);
  }, EFFECTS_WITHIN);
  console.log(`the upload was inspected and the feed filled ${Math.round(finished)} ms after the start`);
});

/** Compares a post, as readers see it, with the responses that its writers got. Returns what is wrong, in words. */
async function wrongOf(post: string, author: Api, writers: Writer[]): Promise<string[]> {
  const wrong: string[] = [];
  const comments = await listAll((page) => author.comments(post, page));
  const texts = comments.map(({ text }) => text);
  for (const text of texts) if (texts.indexOf(text) !== texts.lastIndexOf(text)) wrong.push(`doubled: ${text}`);
  for (const writer of writers) {
    const answered = writer.acknowledged.filter((comment) => comment.post === post);
    for (const { text } of answered) if (!texts.includes(text)) wrong.push(`lost: ${text}`);
    const certain = comments.filter(
      ({ author, text }) => author.handle === writer.handle && !writer.unanswered.comments.has(text),
    );
    if (certain.map(({ id }) => id).join() !== answered.map(({ id }) => id).join()) {
      wrong.push(`comments of ${writer.handle} on ${post} differ from the acknowledged ones or their order`);
    }
  }

  let likes = 0;
  for (const writer of writers) {
    const { likedByMe } = await writer.api.post(post);
    likes += Number(likedByMe);
    const { liked, mayBeOpposite } = writer.likes.get(post) ?? { liked: false, mayBeOpposite: false };
    if (likedByMe !== liked && !mayBeOpposite) wrong.push(`lost: ${liked ? "like" : "unlike"} of ${writer.handle}`);
  }
  const shown = await author.post(post);
  if (shown.likes !== likes) wrong.push(`${post} shows ${shown.likes} likes of ${likes}`);
  if (shown.comments !== comments.length) wrong.push(`${post} shows ${shown.comments} comments of ${comments.length}`);

  const notifications = await listAll((page) => author.notifications(page));
  const countOf = (kind: "like" | "comment"): number =>
    notifications.find((notification) => notification.kind === kind && notification.post.id === post)?.count ?? 0;
  if (countOf("like") !== likes) wrong.push(`the author is notified of ${countOf("like")} likes of ${likes}`);
  if (countOf("comment") !== comments.length) {
    wrong.push(`the author is notified of ${countOf("comment")} comments of ${comments.length}`);
  }
  return wrong;
}

/** Checks that a follower has every post once, including those acknowledged just before a kill. */
async function wrongInFeed({ api, handle }: Writer, published: string[]): Promise<string[]> {
  const shown = (await listAll((page) => api.feed(page))).map(({ id }) => id).join();
  const expected = published.toReversed().join();
  return shown === expected ? [] : [`the feed of ${handle} is ${shown}, not ${expected}`];
}

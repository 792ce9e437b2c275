/**
 * F5: a power cut on a disk that acknowledges flushes too early tears the last writes: an actor's write-ahead log ends
 * early, or its tail is not what was written. Everything before the damage is intact, and the post has the state after
 * one of its writes, or fails to be read; its counts always match its likers and comments. Torn writes are lost, but
 * the audit detects when D1 had more of them.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { CommentPage, Post } from "../../../schema/api/posts.ts";
import type { PostId } from "../../../schema/ids.ts";
import { tokenKeyIn } from "../../../scripts/local-server/database-files.ts";
import { type Api, listAll } from "../../../scripts/api-client.ts";
import { storageOf } from "../../../scripts/paths.ts";
import { readPhotograph } from "../../../scripts/seed/seed.ts";
import { FROM_THE_FUTURE, send, tokenOf } from "../../histories/recording/requests.ts";
import { eventually } from "../harness/eventually.ts";
import { Product } from "../harness/product.ts";
import { randomOf } from "../harness/random.ts";
import { type Damage, DAMAGES, type Extent, extentOf } from "./write-ahead-log.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const PASSWORD = "correct horse battery";
const PEOPLE = 3;
/**
 * The writes to each post before D1 is up to date, and the share of comments among them. The last ones are all
 * comments: losing those changes no set of likers.
 */
const PROJECTED = [
  { writes: 4, comments: 0.4 },
  { writes: 4, comments: 1 },
];
/** The writes just before the power cut, which D1 may not have. */
const LATEST = { writes: 8, comments: 0.4 };
/** The comments written afterwards, so that D1 gets a newer state than it has. */
const MORE = 6;
const CAUGHT_UP_WITHIN = 30_000;

/** `likers` are indices into `people`. */
type State = { likers: number[]; texts: string[]; seq: number };
/** `states` has the post's state after its publication and after each write, with the extent of the log then. */
type Subject = { id: PostId; log: string; name: string; damage: Damage; states: (State & Extent)[] };

let product: Product;
let people: Api[];
let reader: Api;
beforeAll(async () => {
  product = await Product.start();
  const handles = Array.from({ length: PEOPLE }, (_, index) => `person_${index}`);
  const join = async (handle: string) => product.api.as(await product.api.signUp({ handle, password: PASSWORD }));
  people = await Promise.all(handles.map(join));
  reader = await join("reader");
});
afterAll(() => product.remove());

it("keeps everything written before the damage, and never shows a count that does not match", async () => {
  const random = randomOf(SEED);
  const subjects = await publish();
  for (const some of PROJECTED) await writeTo(subjects, some, random);
  await eventually(async () => {
    for (const { id } of subjects) expect(await reader.audit(id)).toMatchObject({ verdict: "equal" });
  }, CAUGHT_UP_WITHIN);
  await writeTo(subjects, LATEST, random);

  await product.kill();
  const damaged = subjects.map(({ log, damage }) => ({ ...extentOf(log), at: damage(log, random) }));
  await product.restart();

  let torn = 0;
  const seen: string[] = [];
  for (const [index, { id, name, states }] of subjects.entries()) {
    const found = await heldBy(id);
    const { salt, at = 0 } = damaged[index] ?? {};
    const intact = states.findLastIndex((state) => state.salt !== salt || state.end <= at);
    const is = states.findIndex(({ seq }) => seq === found?.seq);
    const lost = states.length - 1 - is;
    seen.push(`${name}: ${found ? `${lost} lost, ${states.length - 1 - intact} were damaged` : "reading fails"}`);
    if (!found) continue;
    expect(found, name).toEqual(stateOf(states[is]));
    expect(is, name).toBeGreaterThanOrEqual(intact);
    torn += lost;
  }
  console.log(`seed ${SEED}: ${torn} writes torn away\n${seen.join("\n")}`);
  // A fault test whose faults had no effect has failed.
  expect(torn).toBeGreaterThan(0);

  const verdicts = await Promise.all(subjects.map(({ id, name }) => verdictAfterMore(id, name)));
  console.log(`the audit after ${MORE} more comments: ${verdicts.join(", ")}`);
});

async function publish(): Promise<Subject[]> {
  const { id: picture } = await reader.upload(readPhotograph("nagasaki-boats"));
  await reader.untilInspected(picture);
  const subjects: Subject[] = [];
  for (const [name, damage] of Object.entries(DAMAGES)) {
    const before = logs();
    const { id, seq } = await reader.publish({ caption: name, media: [{ id: picture }] });
    const log = logs().find((log) => !before.includes(log));
    if (log === undefined) throw new Error(`the actor of "${name}" has no write-ahead log`);
    subjects.push({ id, log, name, damage, states: [{ likers: [], texts: [], seq, ...extentOf(log) }] });
  }
  return subjects;
}

/** Writes to the posts in turn, so that no actor idles until it is evicted, which would end its log. */
async function writeTo(subjects: Subject[], some: typeof LATEST, random: () => number): Promise<void> {
  for (let n = 0; n < some.writes; n += 1) {
    for (const subject of subjects) await write(subject, random() < some.comments, random);
  }
}

/** Writes something that changes the post, and records its state. One write at a time, so each response is a state. */
async function write({ id, log, states }: Subject, comments: boolean, random: () => number): Promise<void> {
  const person = Math.floor(random() * PEOPLE);
  const [api, before] = [people[person], states.at(-1)];
  if (!api || !before) throw new Error("there is no such person, or the post has no state");
  const { likers, texts, seq } = before;
  const after = { ...before, seq: seq + 1 };
  if (comments) {
    after.texts = [...texts, `comment ${seq}`];
    await api.comment(id, `comment ${seq}`);
  } else if (likers.includes(person)) {
    after.likers = likers.filter((liker) => liker !== person);
    await api.unlike(id);
  } else {
    after.likers = [...likers, person].sort((a, b) => a - b);
    await api.like(id);
  }
  states.push({ ...after, ...extentOf(log) });
}

/** The state that the actor itself holds; undefined if reading it fails. */
async function heldBy(post: PostId): Promise<State | undefined> {
  const get = async <T>(api: Api, path: string): Promise<T | undefined> => {
    const headers = tokenOf(tokenKeyIn(product.state), post, FROM_THE_FUTURE);
    const ended = await send<T>(product.address, api.token ?? "", { method: "GET", path, headers });
    return ended.is === "answered" ? ended.body : undefined;
  };
  const shown = await Promise.all(people.map((api) => get<Post>(api, `/v1/posts/${post}`)));
  const list = await get<CommentPage>(reader, `/v1/posts/${post}/comments?limit=50`);
  if (!list || !shown.every((post) => post !== undefined)) return undefined;
  const likers = shown.flatMap(({ likedByMe }, person) => (likedByMe ? [person] : []));
  const texts = list.items.map(({ text }) => text);
  for (const { likes, comments } of shown) expect([likes, comments]).toEqual([likers.length, texts.length]);
  return { likers, texts, seq: shown[0]?.seq ?? 0 };
}

/** D1 may have writes that the actor lost. If the audit finds them equal, readers must see what the actor holds. */
async function verdictAfterMore(post: PostId, name: string): Promise<string> {
  for (let n = 0; n < MORE; n += 1) await reader.comment(post, `more ${n}`);
  let verdict = "";
  await eventually(async () => {
    ({ verdict } = await reader.audit(post));
    expect(verdict, name).not.toBe("behind");
  }, CAUGHT_UP_WITHIN);
  if (verdict !== "equal") return verdict;
  const held = await heldBy(post);
  const { likes, comments, seq } = await reader.post(post);
  expect({ likes, comments, seq }, name).toEqual({
    likes: held?.likers.length,
    comments: held?.texts.length,
    seq: held?.seq,
  });
  const listed = await listAll((page) => reader.comments(post, page));
  expect(
    listed.map(({ text }) => text),
    name,
  ).toEqual(held?.texts);
  return verdict;
}

const stateOf = (state: State | undefined): State | undefined =>
  state && { likers: state.likers, texts: state.texts, seq: state.seq };

function logs(): string[] {
  const folder = join(storageOf(product.state), "do/shutterline-PostActor");
  const names = readdirSync(folder).filter((name) => name.endsWith(".sqlite-wal") && !name.startsWith("metadata"));
  return names.map((name) => join(folder, name));
}

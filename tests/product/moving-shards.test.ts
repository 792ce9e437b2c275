/**
 * Moves half of all shards to a second database with the operator's command, while people sign up, follow, publish,
 * like, comment and read. Every acknowledged write must exist once afterwards, reads never fail, and writes are refused
 * only during the switch, with a 503 that is safe to retry.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Id, shardOf } from "../../schema/ids.ts";
import { type Api, listAll, ResponseError } from "../../scripts/api-client.ts";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import { changedConfig } from "./harness/config.ts";
import { eventually } from "./harness/eventually.ts";
import { Product, runToEnd } from "./harness/product.ts";
import { randomOf } from "./harness/random.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const PASSWORD = "correct horse battery";
const WRITERS = 8;
const RANGE = "4096-8191";
const CAUGHT_UP_WITHIN = 30_000;
/** The pause before a refused write is tried again, in ms. */
const RETRY_DELAY = 200;

/** Writes a configuration with a second database, which has no shards yet. */
const configOfTwo = (folder: string): string =>
  changedConfig(folder, (config) => {
    const second =
      '[[d1_databases]]\nbinding = "DB_1"\ndatabase_name = "second"\nmigrations_dir = "schema/migrations"\n';
    return `${config.replace('SHARDS = "DB"', 'SHARDS = "DB:0-8191 DB_1"')}\n${second}`;
  });

const folder = mkdtempSync(join(tmpdir(), "shutterline-two-"));
let product: Product;
beforeAll(async () => {
  product = await Product.start({ config: configOfTwo(folder) });
});
afterAll(async () => {
  await product.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A person who writes, and what the API has acknowledged. */
class Person {
  readonly api: Api;
  readonly handle: string;
  /** Whether their shard is among those that move. */
  readonly moves: boolean;
  readonly follows = new Set<string>();
  readonly likes = new Set<string>();
  readonly said: string[] = [];
  readonly published: string[] = [];
  bio = "";
  refused = 0;
  longestPause = 0;

  constructor(api: Api, handle: string, id: Id) {
    [this.api, this.handle, this.moves] = [api, handle, shardOf(id) >= 4096];
  }

  /** Retries a request while it is refused as `unavailable`, which guarantees that nothing was written. */
  async write<T>(request: () => Promise<T>): Promise<T> {
    const started = performance.now();
    for (;;) {
      try {
        const result = await request();
        this.longestPause = Math.max(this.longestPause, performance.now() - started);
        return result;
      } catch (error) {
        if (!(error instanceof ResponseError && error.status === 503 && error.code === "unavailable")) throw error;
        this.refused += 1;
        await sleep(RETRY_DELAY);
      }
    }
  }
}

async function signUp(handle: string): Promise<Person> {
  for (;;) {
    try {
      const { person, token } = await product.api.signUp({ handle, password: PASSWORD });
      return new Person(product.api.as({ token }), handle, person.id);
    } catch (error) {
      if (!(error instanceof ResponseError && error.status === 503)) throw error;
      await sleep(RETRY_DELAY);
    }
  }
}

it("loses and doubles nothing, and refuses no read", async () => {
  const random = randomOf(SEED);
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const people = await Promise.all(Array.from({ length: WRITERS }, (_, n) => signUp(`writer_${n}`)));
  // Shards are drawn at sign-up: adds people until some move and some do not.
  for (let n = WRITERS; !people.some(({ moves }) => moves) || people.every(({ moves }) => moves); n += 1) {
    people.push(await signUp(`writer_${n}`));
  }
  const media = new Map<Person, string>();
  for (const author of [people.find(({ moves }) => moves), people.find(({ moves }) => !moves)]) {
    if (!author) continue;
    const { id } = await author.api.upload(readPhotograph("nagasaki-boats"));
    await author.api.untilInspected(id);
    media.set(author, id);
  }
  const authors = [...media.keys()];
  const publish = async (author: Person): Promise<string> => {
    const picture = [{ id: media.get(author) ?? "" }] as Parameters<Api["publish"]>[0]["media"];
    const { id } = await author.write(() => author.api.publish({ caption: "Tide", media: picture }));
    author.published.push(id);
    // Others see it once it is in D1, which may be later than its response while its shard's writes are paused.
    await eventually(async () => void (await product.api.post(id)), 30_000);
    return id;
  };
  const posts: string[] = [];
  for (const author of authors) posts.push(await publish(author));

  const over = new AbortController();
  const newcomers: Person[] = [];
  const writing = people.map(async (person) => {
    while (!over.signal.aborted) {
      const [{ handle }, post, choice] = [any(people), any(posts), random()];
      if (choice < 0.25 && handle !== person.handle) {
        const follows = !person.follows.has(handle);
        await person.write(() => (follows ? person.api.follow(handle) : person.api.unfollow(handle)));
        if (follows) person.follows.add(handle);
        else person.follows.delete(handle);
      } else if (choice < 0.4) {
        const bio = `${random()}`;
        await person.write(() => person.api.editMe({ bio }));
        person.bio = bio;
      } else if (choice < 0.7) {
        const likes = !person.likes.has(post);
        await person.write(() => (likes ? person.api.like(post) : person.api.unlike(post)));
        if (likes) person.likes.add(post);
        else person.likes.delete(post);
      } else if (choice < 0.95) {
        const text = `${person.handle} ${person.said.length}`;
        await person.write(() => person.api.comment(post, text));
        person.said.push(text);
      } else if (media.has(person) && posts.length < 30) posts.push(await publish(person));
      await sleep(20);
    }
  });
  const arriving = (async () => {
    while (!over.signal.aborted) {
      newcomers.push(await signUp(`newcomer_${newcomers.length}`));
      await sleep(1000); // The API limits an address to 60 sign-ups a minute.
    }
  })();
  let reads = 0;
  const reading = people.map(async ({ api, handle }) => {
    while (!over.signal.aborted) {
      await Promise.all([api.me(), api.feed(), api.person(handle), api.post(any(posts)), api.comments(any(posts))]);
      reads += 5;
      await sleep(50);
    }
  });
  const everything = Promise.all([...writing, arriving, ...reading]);

  await sleep(1000);
  const moving = runToEnd("scripts/admin.ts", "move-shards", RANGE, "DB_1", "--state", product.state);
  const { code, output } = await Promise.race([moving, everything.then(() => moving)]);
  expect(output).toContain(`${RANGE}: done`);
  expect(code).toBe(0);
  await sleep(500);
  over.abort();
  await everything;
  expect((await runToEnd("scripts/admin.ts", "shards", "--state", product.state)).output).toBe(
    "0-4095  DB\n4096-8191  DB_1\n",
  );

  await eventually(async () => {
    for (const person of people) {
      const { api, handle } = person;
      const me = await api.me();
      expect(me).toMatchObject({ bio: person.bio, following: person.follows.size, posts: person.published.length });
      expect(me.followers).toBe(people.filter(({ follows }) => follows.has(handle)).length);
      expect((await listAll((page) => api.postsOf(handle, page))).map(({ id }) => id)).toEqual(
        person.published.toReversed(),
      );
      const shown = (await listAll((page) => api.feed(page))).map(({ id }) => id);
      const read = people.filter((other) => other === person || person.follows.has(other.handle));
      expect(shown).toEqual(
        read
          .flatMap(({ published }) => published)
          .sort()
          .toReversed(),
      );
      for (const post of posts) expect((await api.post(post)).likedByMe).toBe(person.likes.has(post));
    }
    const said: string[] = [];
    for (const post of posts) {
      const { likes } = await product.api.post(post);
      expect(likes).toBe(people.filter((person) => person.likes.has(post)).length);
      said.push(...(await listAll((page) => product.api.comments(post, page))).map(({ text }) => text));
      expect(await product.api.audit(post)).toMatchObject({ verdict: "equal" });
    }
    expect(said.sort()).toEqual(people.flatMap((person) => person.said).sort());
  }, CAUGHT_UP_WITHIN);
  for (const { api, handle } of newcomers) expect(await api.me()).toMatchObject({ handle });
  const [newcomer] = newcomers;
  if (newcomer) await product.api.signIn(newcomer.handle, PASSWORD);

  const pause = Math.max(...people.map(({ longestPause }) => longestPause));
  const refusedOf = (moves: boolean) =>
    people.filter((person) => person.moves === moves).reduce((sum, { refused }) => sum + refused, 0);
  console.log(
    `seed ${SEED}: ${people.length} people, ${posts.length} posts, ${newcomers.length} newcomers, ${reads} reads; refused: ` +
      `${refusedOf(true)} writes of those who moved, ${refusedOf(false)} of others; ` +
      `the longest write took ${Math.round(pause)} ms\n${output}`,
  );
}, 120_000);

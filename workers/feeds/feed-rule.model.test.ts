import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import { setBased } from "../../schema/d1/set-based.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { byD1, d1Of, prepared } from "../../tests/runtime/stores/d1.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import type { Someone } from "../../tests/runtime/world/api.ts";
import { pendingEffects, settleEffects } from "../../tests/runtime/world/effects.ts";
import { ask, signUp } from "../../tests/runtime/world/people.ts";
import { readerFor } from "../../tests/runtime/world/reader.ts";
import { endOf } from "../projector/erase.ts";
import { DORMANT_AFTER_DAYS, today } from "./dormant.ts";
import { fanOut } from "./fan-out.ts";
import { ENTRIES_PER_AUTHOR, FEED_MAX, trimFeedStatements } from "./feed-limit.ts";
import { REFILL_FROM } from "./refill.ts";
import { feedSkeleton } from "./skeleton.ts";

const AUTHORS = 7;
const DAY = 86_400_000;
/** Effects stay where they are until a step applies them. */
const bindings = { ...env, EFFECTS: queueTo(() => undefined) };

const published: PostId[] = [];
afterEach(async () => {
  for (const [database, posts] of byD1(env, published.splice(0), (post) => post)) {
    await database.batch(
      prepared(database, setBased("DELETE FROM posts WHERE id IN (SELECT value FROM json_each(?1))", posts)),
    );
  }
});

/** The rule of feed-limit.ts, written plainly, and everything that it depends on. */
class World {
  readonly posts = new Map<PersonId, PostId[]>();
  readonly followed = new Set<PersonId>();
  readonly muted = new Set<PersonId>();
  readonly reader: Someone;
  readonly authors: readonly Someone[];
  #clock = 0;

  constructor(reader: Someone, authors: readonly Someone[]) {
    this.reader = reader;
    this.authors = authors;
    for (const { person } of [reader, ...authors]) this.posts.set(person.id, []);
  }

  /** Everything that may be in the feed, newest first. */
  allowed(): PostId[] {
    const lists = [...this.posts].map(([author, posts]) =>
      author === this.reader.person.id || (this.followed.has(author) && !this.muted.has(author))
        ? posts.toSorted().slice(-ENTRIES_PER_AUTHOR)
        : [],
    );
    return lists.flat().sort().reverse();
  }

  /** Adds rows as the projector does. `days` is their greatest age. */
  async publish(author: PersonId, count: number, days: number): Promise<PostId[]> {
    const ids = Array.from({ length: count }, () => {
      this.#clock += 1;
      // Spread over time without a pattern, each at its own millisecond.
      const age = ((this.#clock * 2_654_435_761) % 1_000_003) / 1_000_003;
      return newId<PostId>(shardOf(author), Math.floor(Date.now() - age * days * DAY), this.#clock % 1024);
    });
    const database = d1Of(env, author);
    await database
      .prepare("INSERT INTO posts (id, author, caption, media, seq) SELECT value, ?, '', '[]', 1 FROM json_each(?)")
      .bind(author, JSON.stringify(ids))
      .run();
    if (author === this.reader.person.id) {
      await database
        .prepare("INSERT INTO feed (reader, post, author) SELECT ?1, value, ?1 FROM json_each(?2)")
        .bind(author, JSON.stringify(ids))
        .run();
    }
    published.push(...ids);
    this.posts.get(author)?.push(...ids);
    return ids;
  }

  async relate(method: "PUT" | "DELETE", author: Someone, what: "follow" | "mute" | "block"): Promise<void> {
    const path = `/v1/people/${author.person.handle}/${what}`;
    await ask(method, path, { token: this.reader.token, env: bindings });
  }

  async trim(): Promise<void> {
    const database = d1Of(env, this.reader.person.id);
    const statements = trimFeedStatements([this.reader.person.id]);
    await database.batch(statements.map(({ sql, params }) => database.prepare(sql).bind(...params)));
  }

  settle = (): Promise<void> =>
    settleEffects(
      bindings,
      [this.reader, ...this.authors].map(({ person }) => person.id),
    );

  async check(): Promise<void> {
    await this.settle();
    const { id } = this.reader.person;
    await feedSkeleton(readerFor(), id, { before: undefined, limit: 1 }); // Rebuilds the feed if they were away.
    await this.trim();
    const feed = await feedSkeleton(readerFor(), id, { before: undefined, limit: 5000 });
    const [stored, allowed] = [feed.map(({ post }) => post), this.allowed()];
    const exact = FEED_MAX - REFILL_FROM;
    expect(stored.slice(0, exact)).toEqual(allowed.slice(0, exact));
    expect(stored.length).toBeLessThanOrEqual(FEED_MAX);
    expect(stored.filter((post) => !allowed.includes(post))).toEqual([]);
  }
}

/** `follow` and `mute` end what has begun. */
type Step = [what: keyof typeof STEPS, author: number, count: number];
const STEPS = {
  follow: async (world: World, author: Someone) => {
    const isWanted = !world.followed.has(author.person.id);
    await world.relate(isWanted ? "PUT" : "DELETE", author, "follow");
    if (isWanted) world.followed.add(author.person.id);
    else world.followed.delete(author.person.id);
  },
  mute: async (world: World, author: Someone) => {
    const isWanted = !world.muted.has(author.person.id);
    await world.relate(isWanted ? "PUT" : "DELETE", author, "mute");
    if (isWanted) world.muted.add(author.person.id);
    else world.muted.delete(author.person.id);
  },
  block: async (world: World, author: Someone) => {
    await world.relate("PUT", author, "block");
    await world.relate("DELETE", author, "block");
    world.followed.delete(author.person.id);
  },
  /** Delivers posts to the followers that the author's database knows of. */
  publish: async (world: World, { person: { id } }: Someone, count: number) => {
    const posts = await world.publish(id, 1 + (count % 20), 40);
    for (const post of posts) await fanOut(bindings, { post, author: id, parts: { first: 0, end: 8 } });
  },
  publishOwn: async (world: World, _author: Someone, count: number) => {
    await world.publish(world.reader.person.id, count, 40);
  },
  remove: async (world: World, { person: { id } }: Someone, count: number) => {
    const posts = world.posts.get(id) ?? [];
    const gone = posts.splice(0, count);
    const database = d1Of(env, id);
    for (const post of gone) {
      const [, ...statements] = endOf(post, id, { media: [] }).statements; // There are no files to erase.
      await database.batch(statements.map(({ sql, params }) => database.prepare(sql).bind(...params)));
    }
  },
  beAway: async (world: World, { person: { id } }: Someone, count: number) => {
    const reader = world.reader.person.id;
    await world.settle();
    await d1Of(env, reader)
      .prepare("UPDATE people SET seen_day = ? WHERE id = ?")
      .bind(today() - DORMANT_AFTER_DAYS - 1, reader)
      .run();
    for (const post of await world.publish(id, 1 + (count % 20), 1)) {
      await fanOut(bindings, { post, author: id, parts: { first: 0, end: 8 } });
    }
  },
  trim: (world: World) => world.trim(),
  settle: (world: World) => world.settle(),
  check: (world: World) => world.check(),
} as const satisfies Record<string, (world: World, author: Someone, count: number) => Promise<void>>;

it("holds what the rule says, however it was filled", async () => {
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
    fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6), // So that steps meet at one author.
    fc.integer({ min: 1, max: 120 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 16 }), async (steps) => {
      const [reader, ...authors] = await Promise.all(Array.from({ length: AUTHORS + 1 }, () => signUp()));
      const world = new World(reader as Someone, authors);
      // The first authors have the newest posts, and more than a feed holds of one.
      for (const [place, author] of authors.entries()) {
        await world.publish(author.person.id, 150 - 10 * place, 10 + 40 * place);
        await STEPS.follow(world, author);
      }
      await world.check();
      for (const [what, author, count] of steps) await STEPS[what](world, authors[author] as Someone, count);
      await world.check();
      expect(await pendingEffects(env, [world.reader.person.id])).toEqual([]);
    }),
    { numRuns: 12 },
  );
}, 120_000);

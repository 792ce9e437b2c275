import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Effect } from "../../schema/messages/effects.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { flush, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { interleaved } from "../../tests/runtime/stores/interleave.ts";
import { metered } from "../../tests/runtime/stores/metered.ts";
import { ask, signUp } from "../../tests/runtime/world/people.ts";
import { publishedPost } from "../../tests/runtime/world/posts.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import { followAll, newReader, newReaders, recipientsOf } from "../../tests/runtime/world/readers.ts";
import { project } from "../projector/projector.ts";
import { readerFor } from "../../tests/runtime/world/reader.ts";
import { feedSkeleton } from "./skeleton.ts";
import { applyBell } from "../relations/bells.ts";
import { fanOut } from "./fan-out.ts";
import { applyFollow } from "../relations/follow.ts";
import { isLarge, MARKED_PER_MESSAGE, mergeAuthor, turnLarge } from "./large-authors.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Someone = Awaited<ReturnType<typeof signUp>>;

const reachOf = (author: PersonId) =>
  d1Of(env, author).prepare("SELECT reach FROM people WHERE id = ?").bind(author).first<string>("reach");

const feedOf = async (reader: PersonId): Promise<PostId[]> =>
  (await feedSkeleton(readerFor(), reader, { before: undefined, limit: 100 })).map(({ post }) => post);

const rowsInFeed = (reader: PersonId) =>
  d1Of(env, reader).prepare("SELECT count(*) AS n FROM feed WHERE reader = ?").bind(reader).first<number>("n");

async function apply(bindings: Env, effect: Effect): Promise<void> {
  if (effect.kind === "follow") await applyFollow(bindings, effect);
  if (effect.kind === "merge") await mergeAuthor(bindings, effect);
  if (effect.kind === "bell") await applyBell(bindings, effect);
}

/** Returns an `env` in which authors are large from `followers` on. Its effects are collected in `sent`. */
function withThreshold(followers: number) {
  const sent: Effect[] = [];
  const EFFECTS = queueTo((message) => sent.push(Effect.parse(message)));
  return { bindings: { ...env, EFFECTS, LARGE_AUTHOR_FOLLOWERS: String(followers) }, sent };
}

/** Publishes a post and projects it to D1. The root message of its fan-out is left in `queues`. */
async function publish(author: PersonId): Promise<PostId> {
  const { post, actor } = await publishedPost(author);
  await flush(actor);
  await project(env, queues.facts.splice(0));
  return post.id;
}

async function deliver(bindings: Env): Promise<void> {
  for (let message = queues.fanOuts.shift(); message; message = queues.fanOuts.shift()) await fanOut(bindings, message);
}

it("reads the threshold from its variable, and has a default", () => {
  expect([isLarge({}, 9_999), isLarge({}, 10_000)]).toEqual([false, true]);
  expect([isLarge({ LARGE_AUTHOR_FOLLOWERS: "3" }, 2), isLarge({ LARGE_AUTHOR_FOLLOWERS: "3" }, 3)]).toEqual([
    false,
    true,
  ]);
  expect(() => isLarge({ LARGE_AUTHOR_FOLLOWERS: "many" }, 3)).toThrow("LARGE_AUTHOR_FOLLOWERS");
});

it("turns an author whose post has a large audience: that post is pushed, but later ones are not", async () => {
  const author = await newReader();
  const [ada, ben] = (await newReaders(2)) as [PersonId, PersonId];
  await followAll([ada, ben], author);
  const { bindings, sent } = withThreshold(2);
  const first = await publish(author);
  await deliver(bindings);
  expect(sent).toMatchObject([{ kind: "merge", author }]);
  expect([await reachOf(author), await rowsInFeed(ada)]).toEqual(["turning", 1]);
  const second = await publish(author);
  await deliver(bindings);
  expect(sent).toHaveLength(1); // The turn begins once.
  expect(await rowsInFeed(ada)).toBe(2); // The author is still turning.

  await apply(bindings, sent[0] as Effect);
  await apply(bindings, sent[0] as Effect);
  expect(await reachOf(author)).toBe("merged");
  const third = await publish(author);
  await deliver(bindings);
  expect(await rowsInFeed(ada)).toBe(2);
  for (const reader of [ada, ben]) expect(await feedOf(reader)).toEqual([third, second, first]);
  expect(await env.POSTS.getByName(third).confirmDelivered(0)).toBe(0);
});

it("marks followers page by page, and resumes when a message is lost", async () => {
  const author = await newReader();
  const followers = await newReaders(2 * MARKED_PER_MESSAGE + 5);
  await followAll(followers, author);
  const { bindings, sent } = withThreshold(1000);
  await turnLarge(bindings, author);
  const [first] = sent.splice(0) as [Effect];
  const { env: counted, meter } = metered(bindings);
  await apply(counted, first);
  expect(meter.rowsWritten).toBe(2 * MARKED_PER_MESSAGE + 1);
  expect(await reachOf(author)).toBe("turning");

  // If the queue lost the message of the next page, cron would send the stored effect instead.
  const kept = await d1Of(env, author).prepare("SELECT body FROM effects WHERE id = ?").bind(first.id).first("body");
  expect(sent).toEqual([Effect.parse(JSON.parse(kept as string))]);
  for (let effect = sent.shift(); effect; effect = sent.shift()) await apply(bindings, effect);
  expect(await reachOf(author)).toBe("merged");
  await apply(bindings, first); // A late message marks nobody and does not turn the author back.
  expect(await reachOf(author)).toBe("merged");
  const post = await publish(author);
  for (const reader of [followers[0], followers[1500], followers.at(-1)]) {
    if (reader) expect(await feedOf(reader)).toEqual([post]);
  }
});

it("shows a merged author's posts after a follow, none after an unfollow, and all after another follow", async () => {
  const [author, reader] = [await signUp(), await signUp()];
  const { bindings, sent } = withThreshold(0);
  const posts = [await publish(author.person.id), await publish(author.person.id)].reverse();
  await deliver(bindings);
  for (const effect of sent.splice(0)) await apply(bindings, effect);
  expect(await reachOf(author.person.id)).toBe("merged");

  await change("PUT", reader, author, bindings);
  for (const effect of sent.splice(0)) await apply(bindings, effect);
  expect(await feedOf(reader.person.id)).toEqual(posts);
  expect(await rowsInFeed(reader.person.id)).toBe(0);
  await change("DELETE", reader, author, bindings);
  expect(await feedOf(reader.person.id)).toEqual([]);
  await change("PUT", reader, author, bindings);
  expect(await feedOf(reader.person.id)).toEqual(posts); // Before its effect is applied.
});

async function change(
  method: "PUT" | "DELETE",
  reader: Someone,
  author: Someone,
  bindings: Env,
  what: "follow" | "bell" = "follow",
): Promise<void> {
  const path = `/v1/people/${author.person.handle}/${what}`;
  expect((await ask(method, path, { token: reader.token, env: bindings })).status).toBe(200);
}

/** Returns the effects of these people that the sweep would find. */
async function effectsOf(people: readonly Someone[]): Promise<Effect[]> {
  const found = new Map<string, Effect>();
  for (const { person } of people) {
    const { results } = await d1Of(env, person.id)
      .prepare(
        `SELECT body FROM effects WHERE body ->> 'kind' IN ('follow', 'bell', 'merge')
         AND ?1 IN (body ->> 'follower', body ->> 'author')`,
      )
      .bind(person.id)
      .all<{ body: string }>();
    for (const { body } of results) {
      const effect = Effect.parse(JSON.parse(body));
      found.set(effect.id, effect);
    }
  }
  return [...found.values()];
}

type Step = {
  what: "publish" | "remove" | "follow" | "unfollow" | "ring" | "silence";
  reader: number;
  author: number;
};

/** Takes steps and keeps the model: the live posts of each author, the follows, and the bells. */
class World {
  readonly #people: readonly Someone[];
  readonly #posts = new Map<Someone, PostId[]>();
  readonly #follows = new Set<string>();
  readonly #bells = new Set<string>();
  /** By reader and author: posts published while the bell was on, if it is still on. */
  readonly #owed = new Map<string, PostId[]>();
  /** By reader and author: all posts published before the bell was last turned off. */
  readonly #allowed = new Map<string, Set<PostId>>();

  private constructor(people: readonly Someone[]) {
    this.#people = people;
  }

  static async create(): Promise<World> {
    return new World([await signUp(), await signUp(), await signUp(), await signUp(), await signUp()]);
  }

  get people(): readonly Someone[] {
    return this.#people;
  }

  get readers(): readonly Someone[] {
    return this.#people.slice(2);
  }

  async take({ what, reader: r, author: a }: Step, bindings: Env): Promise<void> {
    const [author, reader] = [this.#people[a], this.readers[r]] as [Someone, Someone];
    const posts = this.#posts.get(author) ?? [];
    const pair = `${r} ${a}`;
    if (what === "publish") {
      const post = await publish(author.person.id);
      this.#posts.set(author, [post, ...posts]);
      for (const bell of this.#bells) {
        if (bell.endsWith(` ${a}`)) this.#owed.set(bell, [...(this.#owed.get(bell) ?? []), post]);
      }
    } else if (what === "remove") {
      const post = posts.pop();
      if (post) await remove(author.person.id, post);
    } else if (what === "follow") {
      await change("PUT", reader, author, bindings);
      this.#follows.add(pair);
    } else if (what === "ring") {
      if (!this.#follows.has(pair)) return;
      await change("PUT", reader, author, bindings, "bell");
      this.#bells.add(pair);
    } else {
      this.#silence(pair, posts);
      if (what === "unfollow") this.#follows.delete(pair);
      await change("DELETE", reader, author, bindings, what === "unfollow" ? "follow" : "bell");
    }
  }

  /** Turns the bell off. Notifications that were owed may or may not arrive. */
  #silence(pair: string, posts: readonly PostId[]): void {
    if (!this.#bells.delete(pair)) return;
    this.#owed.delete(pair);
    this.#allowed.set(pair, new Set([...(this.#allowed.get(pair) ?? []), ...posts]));
  }

  /** Expects all notifications that are owed, and none of posts published while the reader had no bell. */
  async expectNotified(): Promise<void> {
    for (const [a, author] of this.#people.entries()) {
      for (const post of this.#posts.get(author) ?? []) {
        const notified = await recipientsOf(post);
        for (const [r, { person }] of this.readers.entries()) {
          const pair = `${r} ${a}`;
          if (this.#owed.get(pair)?.includes(post)) expect(notified, `${pair} ${post}`).toContain(person.id);
          else if (!this.#bells.has(pair) && !this.#allowed.get(pair)?.has(post)) {
            expect(notified, `${pair} ${post}`).not.toContain(person.id);
          }
        }
      }
    }
  }

  /** Returns the posts that the reader must see once everything has run, newest first. */
  postsFor(reader: Someone): PostId[] {
    const r = this.readers.indexOf(reader);
    const followed = this.#people.filter((_, a) => this.#follows.has(`${r} ${a}`));
    return followed
      .flatMap((author) => this.#posts.get(author) ?? [])
      .toSorted()
      .toReversed();
  }

  isLive(post: PostId): boolean {
    return [...this.#posts.values()].flat().includes(post);
  }
}

async function remove(author: PersonId, post: PostId): Promise<void> {
  const actor = env.POSTS.getByName(post);
  await actor.remove(author);
  await flush(actor);
  await project(env, queues.facts.splice(0));
}

it("shows each followed author's posts once, and notifies, however turning, follows and posts interleave", async () => {
  const { constantFrom, nat } = fc;
  const what = constantFrom<Step["what"][]>(
    ...(["publish", "publish", "publish", "follow", "follow", "follow"] as const),
    ...(["ring", "ring", "unfollow", "silence", "remove"] as const),
  );
  const step = fc.record({ what, reader: nat({ max: 2 }), author: nat({ max: 1 }) }, { noNullPrototype: true });
  const steps = fc.array(step, { minLength: 6, maxLength: 16 });
  const large = constantFrom("1", "2", "3");
  const copies = constantFrom(1, 2);
  const ends = new Set<string | null>();
  await fc.assert(
    fc.asyncProperty(steps, large, copies, fc.scheduler(), async (steps, large, copies, scheduler) => {
      const world = await World.create();
      const running: Promise<void>[] = [];
      const slow: Env = interleaved(
        {
          ...env,
          LARGE_AUTHOR_FOLLOWERS: large,
          EFFECTS: queueTo((message) => {
            for (let copy = 0; copy < copies; copy += 1) running.push(apply(slow, Effect.parse(message)));
          }),
        },
        scheduler,
      );
      const everything = async () => {
        for (const step of steps) {
          await world.take(step, slow);
          const roots = queues.fanOuts.splice(0);
          for (const root of roots) for (let copy = 0; copy < copies; copy += 1) running.push(fanOut(slow, root));
          for (const reader of world.readers) await expectNoStrayPosts(world, reader);
        }
        for (let wait = running.shift(); wait; wait = running.shift()) await wait;
      };
      await scheduler.waitFor(everything());
      for (let due = await effectsOf(world.people); due.length > 0; due = await effectsOf(world.people)) {
        for (const effect of due) await apply(env, effect);
      }
      for (const reader of world.readers) {
        const seen = await feedOf(reader.person.id);
        expect(seen.filter((post) => world.isLive(post))).toEqual(world.postsFor(reader));
      }
      await world.expectNotified();
      for (const { person } of world.people) ends.add(await reachOf(person.id));
    }),
    { numRuns: 40 },
  );
  expect(ends).toEqual(new Set(["pushed", "merged"]));
}, 120_000);

/** Expects the feed to be in order, with each post once, and only posts of people whom the reader follows. */
async function expectNoStrayPosts(world: World, reader: Someone): Promise<void> {
  const seen = await feedOf(reader.person.id);
  expect(seen).toEqual([...new Set(seen)].toSorted().toReversed());
  const allowed = world.postsFor(reader);
  expect(seen.filter((post) => world.isLive(post) && !allowed.includes(post))).toEqual([]);
}

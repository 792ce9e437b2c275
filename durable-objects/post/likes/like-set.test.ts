/**
 * The limits here are so small that a few likes reach what otherwise takes thousands: a start without a recount, and
 * more changes than memory holds. A restart is a crash: everything that was only in memory is lost.
 */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { PersonId } from "../../../schema/ids.ts";
import { added, EMPTY } from "../../../schema/set-hash.ts";
import { newPerson, newPost } from "../../../tests/runtime/world/posts.ts";
import { LikeSet } from "./like-set.ts";
import { migrate } from "../migrate.ts";
import { PostRecord } from "../post-record.ts";
import { migrations } from "../post-tables.ts";

type Limits = { recountedFreely: number; window: number };

const author = newPerson();
const people = [author, ...Array.from({ length: 5 }, newPerson)];

/** A post's likes in storage, and the same likes in a plain list to compare with. */
class World {
  readonly #storage: DurableObjectStorage;
  readonly #limits: Limits;
  /** In the order of their first likes. */
  readonly likers = new Map<PersonId, { liked: boolean; seq: number }>();
  seq = 1;
  likesSeq = 0;
  confirmed = 0;
  record!: PostRecord;
  likes!: LikeSet;

  constructor(storage: DurableObjectStorage, limits: Limits) {
    this.#storage = storage;
    this.#limits = limits;
    migrate(storage, migrations);
    PostRecord.create(storage, newPost(author));
    this.restart();
  }

  restart(): void {
    const record = PostRecord.load(this.#storage);
    if (!record) throw new Error("no post in storage");
    this.record = record;
    this.likes = new LikeSet(this.#storage.sql, record, this.#limits);
  }

  set(person: PersonId, liked: boolean): void {
    const isNew = (this.likers.get(person)?.liked ?? false) !== liked;
    expect(this.likes.set(person, liked)).toBe(isNew);
    if (!isNew) return;
    this.seq += 1;
    this.likesSeq = this.seq;
    this.likers.set(person, { liked, seq: this.seq });
  }

  /** Changes the post as a comment would. */
  change(): void {
    this.seq += 1;
    this.record.save({ seq: this.seq });
  }

  /** Does what the outbox does when D1 has everything up to `to`, and saves it at once. */
  confirm(to: number): void {
    if (to <= this.confirmed) return;
    this.confirmed = to;
    this.record.save({ confirmed: to, unsaved: to < this.seq ? this.record.row.unsaved : 0 });
    this.likes.confirmed(to);
  }

  projectAgain(): void {
    this.confirmed = 0;
    this.record.save({ confirmed: 0 });
  }

  /** The people who like the post, the newest first like first. */
  newest(): PersonId[] {
    const liking = [...this.likers].filter(([, { liked }]) => liked);
    return liking.map(([person]) => person).toReversed();
  }

  expectCounts(): void {
    const newest = this.newest();
    const { likes, people: known, digest, seq, likes_seq } = this.record.row;
    const { size } = this.likers;
    expect({ likes, known, seq, likes_seq }).toEqual({
      likes: newest.length,
      known: size,
      seq: this.seq,
      likes_seq: this.likesSeq,
    });
    expect(digest).toEqual(newest.reduce(added, EMPTY));
    const others = newest.filter((person) => person !== author);
    expect(this.likes.newest(50).map(({ person }) => person)).toEqual(others);
    expect(this.likes.page(undefined, 50)).toEqual(newest.toSorted().toReversed());
  }

  /** Expects one outbox message, starting at `from`, to have exactly the changes up to its `to`. Returns `to`. */
  expectMessage(from: number, limit: number): number {
    const { changes, to } = this.likes.changes(from, limit);
    const due = [...this.likers].map(([person, like]) => ({ person, ...like })).filter(({ seq }) => seq >= from);
    expect(changes).toEqual(due.filter(({ seq }) => seq <= to).toSorted((a, b) => a.seq - b.seq));
    expect(to).toBeGreaterThanOrEqual(from);
    expect(to).toBeLessThanOrEqual(this.seq);
    return to;
  }

  expectMessages(limit: number): void {
    for (let sent = this.confirmed; sent < this.seq;) sent = this.expectMessage(sent + 1, limit);
  }
}

type Step = (world: World) => void;
const who = fc.constantFrom(...people);
const limit = fc.integer({ min: 1, max: 5 });
const step = (name: string, run: Step): Step => Object.assign(run, { [fc.toStringMethod]: () => name });
const like = fc
  .tuple(who, fc.boolean())
  .map(([person, liked]) =>
    step(`${liked ? "like" : "unlike"} of ${people.indexOf(person)}`, (world) => world.set(person, liked)),
  );
const rare = fc.oneof(
  fc.constant(step("restart", (world) => world.restart())),
  fc.constant(step("restart", (world) => world.restart())),
  fc.constant(step("change", (world) => world.change())),
  fc.constant(step("project again", (world) => world.projectAgain())),
  fc.nat({ max: 4 }).map((behind) => step(`confirm all but ${behind}`, (world) => world.confirm(world.seq - behind))),
  limit.map((limit) => step(`send all, ${limit} at a time`, (world) => world.expectMessages(limit))),
  fc.tuple(limit, fc.nat({ max: 6 })).map(([limit, behind]) =>
    step(`send ${limit} from ${behind} before the end`, (world) => {
      const from = Math.max(world.confirmed, world.seq - 1 - behind) + 1;
      if (from <= world.seq) world.expectMessage(from, limit);
    }),
  ),
);
const steps = fc.array(fc.oneof(like, like, rare), { minLength: 10, maxLength: 60, size: "max" });
const limits = fc.record(
  { recountedFreely: fc.constantFrom(0, 2, 5000), window: fc.constantFrom(1, 3, 20_000) },
  { noNullPrototype: true },
);

/** Runs `work` on the storage of a new object. */
const onStorage = (work: (storage: DurableObjectStorage) => void) =>
  runInDurableObject(env.POSTS.getByName(crypto.randomUUID()), (_, { storage }) => work(storage));

it("behaves like a plain list, whatever its limits are and whenever it crashes", async () => {
  await fc.assert(
    fc.asyncProperty(limits, steps, limit, (limits, steps, limit) =>
      onStorage((storage) => {
        const world = new World(storage, limits);
        for (const run of steps) {
          run(world);
          world.expectCounts();
        }
        world.expectMessages(limit);
        world.restart();
        world.expectCounts();
        world.expectMessages(limit);
      }),
    ),
    { numRuns: 80 },
  );
});

it("reads no likes when a post with many of them and no unsaved ones starts", async () => {
  await onStorage((storage) => {
    const world = new World(storage, { recountedFreely: 2, window: 3 });
    for (const person of people) world.set(person, true);
    world.confirm(world.seq);
    // A start with a recount would count this like.
    storage.sql.exec("INSERT INTO likes (person, liked, seq, at) VALUES (?, 1, 100, 0)", newPerson());
    world.restart();
    expect(world.record.row).toMatchObject({ likes: people.length, unsaved: 0 });
  });
});

it("writes one more row for the first unsaved change of a post with many likes", async () => {
  await onStorage((storage) => {
    const world = new World(storage, { recountedFreely: 2, window: 3 });
    for (const person of people) world.set(person, true);
    world.confirm(world.seq);
    const exec = storage.sql.exec.bind(storage.sql);
    const rows = (person: PersonId): number => {
      const [before] = exec<{ rows: number }>("SELECT total_changes() AS rows").toArray();
      world.set(person, false);
      const [after] = exec<{ rows: number }>("SELECT total_changes() AS rows").toArray();
      return (after?.rows ?? 0) - (before?.rows ?? 0);
    };
    expect(people.slice(0, 3).map(rows)).toEqual([2, 1, 1]);
  });
});

it("returns some people even when all of the newest have taken their likes back", async () => {
  await onStorage((storage) => {
    const world = new World(storage, { recountedFreely: 5000, window: 20_000 });
    const many = Array.from({ length: 20 }, newPerson);
    for (const person of many) world.set(person, true);
    for (const person of many.slice(3)) world.set(person, false);
    const names = () => world.likes.newest(5).map(({ person }) => person);
    expect(names().toSorted()).toEqual(many.slice(0, 3).toSorted());
    world.restart();
    expect(names()).toEqual(many.slice(0, 3).toReversed());
  });
});

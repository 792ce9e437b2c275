/**
 * The model is the specification, written the obvious way: a set of likers and a list of comments. Random commands run
 * against it and against a real actor, with evictions between them. It has caught, planted one at a time: a like counted
 * twice when repeated, an unlike of somebody who never liked counted, counts not restored after an eviction.
 */
import { evictDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { PersonId } from "../schema/ids.ts";
import { recordQueues } from "../tests/runtime/facts.ts";
import { newPerson, publishedPost } from "../tests/runtime/posts.ts";

type Model = { likers: Set<PersonId>; comments: string[]; changes: number };
type Actor = Awaited<ReturnType<typeof publishedPost>>["actor"];
type Step = fc.AsyncCommand<Model, Actor>;

const people = [newPerson(), newPerson(), newPerson()]; // Few, so that the commands collide.
const person = fc.constantFrom(...people);

const counts = ({ likers, comments, changes }: Model) => ({
  likes: likers.size,
  comments: comments.length,
  seq: 1 + changes,
});

const step = (name: string, run: (model: Model, actor: Actor) => Promise<void>): Step => ({
  check: () => true,
  toString: () => name,
  run,
});

const setLike = fc.tuple(fc.constantFrom("like" as const, "unlike" as const), person).map(([command, who]) =>
  step(`${command}(${people.indexOf(who)})`, async (model, actor) => {
    const changed = command === "like" ? !model.likers.has(who) : model.likers.has(who);
    if (command === "like") model.likers.add(who);
    else model.likers.delete(who);
    if (changed) model.changes += 1;
    expect(await actor[command](who)).toEqual({ ok: true, ...counts(model), liked: command === "like" });
  }),
);

const comment = fc.tuple(person, fc.string({ minLength: 1, maxLength: 5 })).map(([who, text]) =>
  step(`comment(${people.indexOf(who)})`, async (model, actor) => {
    model.comments.push(text);
    model.changes += 1;
    expect(await actor.comment(who, text)).toMatchObject({
      ok: true,
      ...counts(model),
      comment: { author: who, text },
    });
  }),
);

const read = person.map((who) =>
  step(`read(${people.indexOf(who)})`, async (model, actor) => {
    expect(await actor.snapshot(who)).toEqual({ ok: true, ...counts(model), liked: model.likers.has(who) });
    const page = await actor.comments(undefined, 50);
    expect(page.ok && page.comments.map(({ text }) => text)).toEqual(model.comments);
  }),
);

const evict = fc.constant(
  step("evict", async (_, actor) => {
    await actor.snapshot(undefined); // Only an object that runs can be evicted.
    await evictDurableObject(actor);
  }),
);

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

it("behaves like a set of likers and a list of comments", async () => {
  const steps = fc.commands([setLike, comment, read, evict], { maxCommands: 40, size: "max" });
  await fc.assert(
    fc.asyncProperty(steps, (run) =>
      fc.asyncModelRun(async () => {
        const { actor } = await publishedPost();
        return { model: { likers: new Set<PersonId>(), comments: [], changes: 0 }, real: actor };
      }, run),
    ),
    { numRuns: 40 },
  );
});

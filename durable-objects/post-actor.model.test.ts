/**
 * The model is the specification, written the obvious way: a set of likers and a list of comments, counted anew each time.
 * Random commands run against it and against a real actor, with evictions between them (to the actor they are crashes: it is not told), and what one reader
 * after another sees is compared. Trusted because it has caught each of these, planted one at a time:
 *
 *  1. a like counted twice when repeated            6. a deletion that leaves the comment pinned
 *  2. an unlike of somebody who never liked counted  7. a reply to a reply as a third level
 *  3. counts not restored after an eviction          8. the replies of a hidden comment still counted
 *  4. `was` overwritten by the second change since   9. a restored comment that counts its own reply twice
 *     the last save, so that a crash miscounts      10. a comment liked by one person and then by another, counted once
 *  5. likes above the saved seq forgotten by a start 11. an edit of somebody else's comment accepted
 */
import { evictDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CommentId, PersonId } from "../schema/ids.ts";
import { flush, recordQueues } from "../tests/runtime/facts.ts";
import { newPerson, oldest, publishedPost } from "../tests/runtime/posts.ts";

type Comment = {
  id: CommentId;
  author: PersonId;
  text: string;
  parent: CommentId | "";
  replyTo: PersonId | null;
  state: "shown" | "hidden" | "gone";
  likers: Set<PersonId>;
};

const author = newPerson();
const people = [author, newPerson(), newPerson()]; // Few, so that the commands collide.

class Model {
  readonly likers = new Set<PersonId>();
  readonly comments: Comment[] = [];
  captions = ["Low tide"];
  policy: "everyone" | "followers" | "off" = "everyone";
  pinned: CommentId | null = null;
  deleted = false;

  isSeen({ state, parent }: Comment): boolean {
    return state === "shown" && (parent === "" || this.find(parent)?.state === "shown");
  }
  find(id: CommentId): Comment | undefined {
    return this.comments.find((comment) => comment.id === id && comment.state !== "gone");
  }
  standing() {
    const comments = this.comments.filter((comment) => this.isSeen(comment)).length;
    return { likes: this.likers.size, comments, policy: this.policy, pinned: this.pinned, deleted: false };
  }
  thread(viewer: PersonId, parent: CommentId | "") {
    const states = viewer === author ? ["shown", "hidden"] : ["shown"];
    return this.comments
      .filter((comment) => comment.parent === parent && states.includes(comment.state))
      .map(({ id, text, replyTo, state, likers }) => ({
        id,
        text,
        replyTo,
        parent,
        hidden: state === "hidden",
        likes: likers.size,
        liked: likers.has(viewer),
        replies: this.comments.filter((reply) => reply.parent === id && reply.state === "shown").length,
      }));
  }
}

type Actor = Awaited<ReturnType<typeof publishedPost>>["actor"];
type Step = fc.AsyncCommand<Model, Actor>;
type Outcome = { ok: boolean; reason?: string };

const step = (name: string, run: (model: Model, actor: Actor) => Promise<void>): Step => ({
  check: () => true,
  toString: () => name,
  run,
});
/** The answer is `refusal`, or when that is undefined an acceptance. */
const expectOutcome = (answer: Outcome, refusal: string | undefined): void => {
  expect(answer.ok ? undefined : answer.reason).toBe(refusal);
};
const who = fc.constantFrom(...people);
const which = fc.nat({ max: 7 });
const name = (person: PersonId): string => `person ${people.indexOf(person)}`;

const setLike = fc.tuple(fc.constantFrom("like" as const, "unlike" as const), who).map(([command, person]) =>
  step(`${command}(${name(person)})`, async (model, actor) => {
    const answer = await actor[command](person);
    if (!model.deleted) model.likers[command === "like" ? "add" : "delete"](person);
    expectOutcome(answer, model.deleted ? "post_not_found" : undefined);
    if (answer.ok) expect(answer).toMatchObject({ likes: model.likers.size, liked: command === "like" });
  }),
);

const comment = fc.tuple(who, fc.string({ minLength: 1, maxLength: 5 }), fc.option(which)).map(([person, text, to]) =>
  step(`comment(${name(person)}, ${text}, ${to})`, async (model, actor) => {
    const target = to === null ? undefined : model.comments[to];
    const answer = await actor.comment({ author: person, text, replyTo: target?.id });
    const refusal = () => {
      if (model.deleted) return "post_not_found";
      if (person !== author && model.policy === "off") return "comments_off";
      if (person !== author && model.policy === "followers") return "followers_only";
      return target && !model.isSeen(target) ? "comment_not_found" : undefined;
    };
    expectOutcome(answer, refusal());
    if (!answer.ok) return;
    const parent = target ? target.parent || target.id : "";
    const replyTo = target?.author ?? null;
    model.comments.push({
      id: answer.comment.id,
      author: person,
      text,
      parent,
      replyTo,
      state: "shown",
      likers: new Set(),
    });
    expect(answer.comment).toMatchObject({ author: person, text, parent, replyTo });
  }),
);

/** Commands on a comment: what refuses, beside that there is none, and what changes. */
const COMMANDS: Record<
  string,
  {
    send: (actor: Actor, person: PersonId, id: CommentId) => Promise<Outcome>;
    refusal: (model: Model, person: PersonId, comment: Comment) => string | undefined;
    apply: (model: Model, person: PersonId, comment: Comment) => void;
  }
> = {
  edit: {
    send: (actor, person, id) => actor.editComment(person, id, "edited"),
    refusal: (_, person, comment) => (comment.author === person ? undefined : "not_yours"),
    apply: (_, __, comment) => void (comment.text = "edited"),
  },
  remove: {
    send: (actor, person, id) => actor.removeComment(person, id),
    refusal: (_, person, comment) => (comment.author === person || person === author ? undefined : "not_yours"),
    apply: (model, _, comment) => {
      comment.state = "gone";
      if (model.pinned === comment.id) model.pinned = null;
    },
  },
  hide: {
    send: (actor, person, id) => actor.hideComment(person, id, true),
    refusal: (_, person) => (person === author ? undefined : "not_yours"),
    apply: (model, _, comment) => {
      comment.state = "hidden";
      if (model.pinned === comment.id) model.pinned = null;
    },
  },
  restore: {
    send: (actor, person, id) => actor.hideComment(person, id, false),
    refusal: (_, person) => (person === author ? undefined : "not_yours"),
    apply: (_, __, comment) => void (comment.state = "shown"),
  },
  pin: {
    send: (actor, person, id) => actor.pinComment(person, id, true),
    refusal: (model, person, comment) => {
      if (person !== author) return "not_yours";
      return comment.parent !== "" || !model.isSeen(comment) ? "comment_not_found" : undefined;
    },
    apply: (model, _, comment) => void (model.pinned = comment.id),
  },
  unpin: {
    send: (actor, person, id) => actor.pinComment(person, id, false),
    refusal: (_, person) => (person === author ? undefined : "not_yours"),
    apply: (model, _, comment) => void (model.pinned = model.pinned === comment.id ? null : model.pinned),
  },
  like: {
    send: (actor, person, id) => actor.likeComment(person, id, true),
    refusal: (model, _, comment) => (model.isSeen(comment) ? undefined : "comment_not_found"),
    apply: (_, person, comment) => void comment.likers.add(person),
  },
  unlike: {
    send: (actor, person, id) => actor.likeComment(person, id, false),
    refusal: (model, _, comment) => (model.isSeen(comment) ? undefined : "comment_not_found"),
    apply: (_, person, comment) => void comment.likers.delete(person),
  },
};

const onComment = fc
  .tuple(fc.constantFrom(...Object.entries(COMMANDS)), who, which)
  .map(([[command, { send, refusal, apply }], person, index]) =>
    step(`${command}(${name(person)}, comment ${index})`, async (model, actor) => {
      const comment = model.comments[index];
      if (!comment) return;
      const answer = await send(actor, person, comment.id);
      const isThere = comment.state !== "gone";
      expectOutcome(
        answer,
        model.deleted ? "post_not_found" : isThere ? refusal(model, person, comment) : "comment_not_found",
      );
      if (answer.ok) apply(model, person, comment);
    }),
  );

const edit = fc
  .tuple(who, fc.option(fc.constantFrom("Ebb", "Flow")), fc.constantFrom("everyone" as const, "followers", "off"))
  .map(([person, caption, policy]) =>
    step(`edit(${name(person)}, ${caption}, ${policy})`, async (model, actor) => {
      const answer = await actor.edit(person, { caption: caption ?? undefined, policy });
      expectOutcome(answer, model.deleted ? "post_not_found" : person === author ? undefined : "not_yours");
      if (!answer.ok) return;
      if (caption !== null && caption !== model.captions.at(-1)) model.captions.push(caption);
      model.policy = policy;
    }),
  );

const read = who.map((viewer) =>
  step(`read(${name(viewer)})`, async (model, actor) => {
    const snapshot = await actor.snapshot(viewer);
    const page = await actor.comments(viewer, oldest(50));
    const likers = await actor.likers(undefined, 50);
    const captions = await actor.captions(viewer);
    if (model.deleted) {
      for (const answer of [snapshot, page, likers, captions]) expectOutcome(answer, "post_not_found");
      return;
    }
    expect(snapshot).toMatchObject({
      standing: model.standing(),
      liked: model.likers.has(viewer),
      body: { caption: model.captions.at(-1) },
    });
    expect(page).toMatchObject({ comments: model.thread(viewer, "") });
    for (const { id } of model.thread(viewer, "")) {
      const thread = await actor.comments(viewer, { ...oldest(50), parent: id });
      expect(thread.ok && thread.comments.map(({ id }) => id)).toEqual(model.thread(viewer, id).map(({ id }) => id));
      expect(thread).toMatchObject({ comments: model.thread(viewer, id) });
    }
    expect(likers).toEqual({ ok: true, people: [...model.likers].toSorted().toReversed() });
    if (viewer !== author) expectOutcome(captions, "not_yours");
    else expect(captions).toMatchObject({ captions: model.captions.toReversed().map((caption) => ({ caption })) });
  }),
);

const remove = who.map((person) =>
  step(`delete(${name(person)})`, async (model, actor) => {
    const answer = await actor.remove(person);
    const isRefused = person !== author;
    expectOutcome(answer, isRefused ? (model.deleted ? "post_not_found" : "not_yours") : undefined);
    if (!isRefused) model.deleted = true;
  }),
);

const evict = fc.constant(
  step("evict", async (_, actor) => {
    await actor.snapshot(undefined); // Only an object that runs can be evicted.
    await evictDurableObject(actor);
  }),
);

/** What is confirmed is saved, and counted from there on. */
const confirm = fc.constant(
  step("confirm", async (_, actor) => {
    await flush(actor);
    const state = await actor.state();
    if (state.ok) await actor.confirmProjected(1, state.seq);
  }),
);

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

it("behaves like a set of likers and a list of comments", async () => {
  const often = [setLike, setLike, comment, comment, onComment, onComment, onComment, read, evict, confirm];
  const steps = fc.commands([...often, ...often, ...often, edit, edit, remove], { maxCommands: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(steps, (run) =>
      fc.asyncModelRun(async () => {
        const { actor } = await publishedPost(author);
        return { model: new Model(), real: actor };
      }, run),
    ),
    { numRuns: 60 },
  );
});

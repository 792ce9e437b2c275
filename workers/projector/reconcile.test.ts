import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type CommentId, newId, type PersonId, type PostId } from "../../schema/ids.ts";
import { d1Of, allD1 } from "../../tests/runtime/stores/d1.ts";
import { flush, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { newPerson, publishedPost } from "../../tests/runtime/world/posts.ts";
import { audit } from "./audit.ts";
import { project } from "./projector.ts";
import { reconcile, reconcileSample } from "./reconcile.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Actor = Awaited<ReturnType<typeof publishedPost>>["actor"];

async function projectAll(actor: Actor): Promise<void> {
  await flush(actor);
  await project(env, queues.facts.splice(0));
}

/** Makes a post with three likes and one comment, all projected. */
async function quietPost() {
  const { post, actor } = await publishedPost();
  const people = [newPerson(), newPerson(), newPerson()] as const;
  for (const person of people) await actor.like(person);
  await actor.comment({ author: people[0], text: "Fine" });
  await projectAll(actor);
  await actor.state(); // It has heard that D1 has everything.
  return { post: post.id, actor, people };
}

const INSERT_COMMENT = `
  INSERT INTO comments (post, parent, id, author, text, likes, replies, state, seq)
  VALUES (?1, '', ?2, ?1, 'Ghost', 0, 0, 'shown', 4)`;

const run = (key: PersonId | PostId, sql: string, ...values: unknown[]) =>
  d1Of(env, key)
    .prepare(sql)
    .bind(...values)
    .run();

it("finds a projection equal, or behind while facts are on their way", async () => {
  const { post, actor, people } = await quietPost();
  const equal = await audit(env, post);
  expect(equal).toMatchObject({ verdict: "equal", actor: { likes: 3, likers: 3, comments: 1, listed: 1, seq: 5 } });
  expect(equal?.projection).toEqual(equal?.actor);

  await actor.unlike(people[1]);
  expect(await audit(env, post)).toMatchObject({ verdict: "behind" });
  await projectAll(actor);
  expect(await audit(env, post)).toMatchObject({ verdict: "equal", actor: { likes: 2 } });
  expect(await reconcile(env, post)).toMatchObject({ repaired: false });
});

it("gives the same people the same digest, in whatever order they liked the post", async () => {
  const [ada, ben] = [newPerson(), newPerson()];
  const digestAfter = async (likers: PersonId[]) => {
    const { post, actor } = await publishedPost();
    for (const person of likers) await actor.like(person);
    await projectAll(actor);
    return (await audit(env, post.id))?.projection.digest;
  };
  expect(await digestAfter([ada, ben])).toBe(await digestAfter([ben, ada]));
  expect(await digestAfter([ada])).not.toBe(await digestAfter([ben]));
});

it.each<[string, (post: PostId, people: readonly [PersonId, PersonId, PersonId]) => Promise<unknown>]>([
  ["a wrong count", (post) => run(post, "UPDATE post_stats SET likes = 7 WHERE post = ?", post)],
  ["lost counts", (post) => run(post, "DELETE FROM post_stats WHERE post = ?", post)],
  ["a wrong digest", (post, [ada]) => run(ada, "UPDATE like_digests SET a = a + 1 WHERE post = ?", post)],
  ["a comment that nobody wrote", (post) => run(post, INSERT_COMMENT, post, newId<CommentId>(0))],
  ["a lost comment", (post) => run(post, "DELETE FROM comments WHERE post = ?", post)],
  ["lost digests", (post, [ada]) => run(ada, "DELETE FROM like_digests WHERE post = ?", post)],
])("finds and repairs %s", async (_, damage) => {
  vi.spyOn(console, "error").mockReturnValue();
  const { post, actor, people } = await quietPost();
  await damage(post, people);
  expect(await audit(env, post)).toMatchObject({ verdict: "different" });
  expect(await reconcile(env, post)).toMatchObject({ repaired: true });
  expect(await audit(env, post)).toMatchObject({ verdict: "behind" });
  await projectAll(actor);
  expect(await audit(env, post)).toMatchObject({ verdict: "equal", actor: { likes: 3, comments: 1 } });
  const comments = await run(post, "SELECT text FROM comments WHERE post = ?", post);
  expect(comments.results).toEqual([{ text: "Fine" }]);
  const likes = await run(people[0], "SELECT liked FROM likes WHERE person = ?", people[0]);
  expect(likes.results).toEqual([{ liked: 1 }]);
});

it("has no audit for a post that does not exist", async () => {
  expect(await audit(env, "0000000000000" as PostId)).toBeUndefined();
  expect(await reconcile(env, "0000000000000" as PostId)).toEqual({ repaired: false, audit: undefined });
});

it("samples posts of every database and finds no difference", async () => {
  // Other test files share the storage and leave rows that their actors do not know or know differently.
  for (const database of allD1(env)) await database.prepare("DELETE FROM posts").run();
  await quietPost();
  expect(await reconcileSample(env)).toBe(0);
});

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { LikeCommand } from "../../../durable-objects/post/post-results.ts";
import { newId, type PersonId } from "../../../schema/ids.ts";
import { recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { newPerson, publishedPost } from "../../../tests/runtime/world/posts.ts";
import { setLike } from "./hot-posts.ts";

beforeEach(() => {
  recordQueues();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Makes actors report that their post is hot. Returns the names of the gates that are called. */
function heat(gates: number): string[] {
  const asked: string[] = [];
  const [actors, before] = [env.POSTS.getByName.bind(env.POSTS), env.LIKE_GATES.getByName.bind(env.LIKE_GATES)];
  vi.spyOn(env.POSTS, "getByName").mockImplementation((name) => {
    const actor = actors(name);
    const like = async (person: PersonId) => ({ ...(await actor.like(person)), gates });
    const setLikes = async (commands: LikeCommand[]) =>
      (await actor.setLikes(commands)).map((answer) => ({ ...answer, gates }));
    return { like, setLikes } as unknown as typeof actor;
  });
  vi.spyOn(env.LIKE_GATES, "getByName").mockImplementation((name) => {
    asked.push(name);
    return before(name);
  });
  return asked;
}

it("sends likes of a hot post through its gates, each person's always through the same one", async () => {
  const { post, actor } = await publishedPost();
  const asked = heat(3);
  const people = [5, 6, 7].map((shard) => newId<PersonId>(shard));
  await setLike(env, post.id, newPerson(), true);
  expect(asked).toEqual([]); // The isolate did not know yet.
  for (const liked of [true, false, true]) {
    for (const person of people) await setLike(env, post.id, person, liked);
  }
  const names = [2, 0, 1].map((gate) => `${post.id} ${gate}`);
  expect(asked).toEqual([...names, ...names, ...names]);
  vi.restoreAllMocks();
  expect(await actor.state()).toMatchObject({ likes: 4, seq: 11 });
});

it("uses gates for two seconds, then calls the actor again", async () => {
  const { post, actor } = await publishedPost();
  const asked = heat(1);
  await setLike(env, post.id, newPerson(), true);
  vi.useFakeTimers({ now: Date.now() + 2001, toFake: ["Date"] });
  await setLike(env, post.id, newPerson(), true);
  expect(asked).toEqual([]);
  await setLike(env, post.id, newPerson(), true);
  expect(asked).toEqual([`${post.id} 0`]);
  vi.restoreAllMocks();
  expect(await actor.state()).toMatchObject({ likes: 3 });
});

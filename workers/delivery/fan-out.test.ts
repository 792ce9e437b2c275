import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import { setBased } from "../../schema/set-based.ts";
import { flush, recordQueues } from "../../tests/runtime/facts.ts";
import { follows, newPerson, publishedPost } from "../../tests/runtime/posts.ts";
import { readerFor } from "../../tests/runtime/reader.ts";
import { feedSkeleton } from "../reads/feed.ts";
import { project } from "../projector/projector.ts";
import { fanOut, READERS_PER_MESSAGE } from "./fan-out.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const feedOf = async (reader: PersonId): Promise<PostId[]> =>
  (await feedSkeleton(readerFor(), reader, undefined, 50)).map(({ post }) => post);

/** Delivers what is queued, and what that queues, until nothing is. */
async function deliverAll(): Promise<number> {
  let messages = 0;
  for (let message = queues.fanOuts.shift(); message; message = queues.fanOuts.shift()) {
    await fanOut(env, message);
    messages += 1;
  }
  return messages;
}

it("brings a post into every follower's feed once, and into nobody else's", async () => {
  const author = newPerson();
  const [ada, ben, stranger] = [newPerson(), newPerson(), newPerson()];
  await follows(ada, author);
  await follows(ben, author);
  const { post, actor } = await publishedPost(author);
  await flush(actor);
  const [message] = queues.fanOuts;
  await project(env, queues.facts);
  await deliverAll();
  if (message) await fanOut(env, message); // The queue repeats it.
  expect(await feedOf(ada)).toEqual([post.id]);
  expect(await feedOf(ben)).toEqual([post.id]);
  expect(await feedOf(stranger)).toEqual([]);
});

it("gives nothing to whoever has unfollowed in the meantime, even while the mirror still lists them", async () => {
  const author = newPerson();
  const ada = newPerson();
  await follows(ada, author);
  await databaseOf(env, ada).prepare("UPDATE following SET active = 0, version = 2 WHERE follower = ?").bind(ada).run();
  const { actor } = await publishedPost(author);
  await flush(actor);
  await project(env, queues.facts);
  await deliverAll();
  expect(await feedOf(ada)).toEqual([]);
});

it("waits until the post is in D1, where a new follower's backfill looks for it", async () => {
  const { actor } = await publishedPost();
  await flush(actor);
  await expect(deliverAll()).rejects.toThrow("not in D1 yet");
});

it("confirms at the end only, so that a chain which broke is begun again", async () => {
  const author = newPerson();
  const readers = Array.from({ length: READERS_PER_MESSAGE + 10 }, newPerson);
  await followAll(readers, author);
  const { post, actor } = await publishedPost(author);
  await flush(actor);
  await project(env, queues.facts);
  const first = queues.fanOuts.shift();
  if (!first) throw new Error("nothing was sent");

  await fanOut(env, first);
  expect(queues.fanOuts).toEqual([{ ...first, after: expect.any(String) }]);
  queues.fanOuts.length = 0; // The queue forgets the rest.
  vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
  await flush(actor);
  vi.useRealTimers();
  expect(queues.fanOuts).toEqual([first]);

  expect(await deliverAll()).toBe(2);
  for (const reader of [readers[0], readers[READERS_PER_MESSAGE], readers.at(-1)]) {
    if (reader) expect(await feedOf(reader)).toEqual([post.id]);
  }
  await flush(actor);
  expect(await flush(actor)).toBe(false); // Everything is confirmed.
});

async function followAll(readers: PersonId[], author: PersonId): Promise<void> {
  for (const database of new Set(readers.map((reader) => databaseOf(env, reader)))) {
    const rows = readers.filter((reader) => databaseOf(env, reader) === database).map((reader) => [reader, author]);
    await database.batch(setBased(database, FOLLOWING, rows));
  }
  const database = databaseOf(env, author);
  await database.batch(
    setBased(
      database,
      FOLLOWERS,
      readers.map((reader) => [author, shardOf(reader), reader]),
    ),
  );
}
const FOLLOWING =
  "INSERT INTO following (follower, followee, active, version) SELECT value ->> 0, value ->> 1, 1, 1 FROM json_each(?1)";
const FOLLOWERS = `INSERT INTO followers (followee, follower_shard, follower, active, version)
  SELECT value ->> 0, value ->> 1, value ->> 2, 1, 1 FROM json_each(?1)`;

/** What one transaction does for two people who live in one database holds when a move parts them, or joins them, meanwhile. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Database } from "../../schema/d1/database.ts";
import { readShardMap } from "../../schema/d1/shards.ts";
import { newId, type PostId, shardOf } from "../../schema/ids.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { emptyPair, type Pair, PAIR, personIn } from "../../tests/runtime/world/pair.ts";
import { ask } from "../../tests/runtime/world/people.ts";
import { applyFollow } from "../relations/follow.ts";
import { Reader } from "../storage/reader.ts";
import { beginMove, moveOf } from "./moves.ts";
import { runStep } from "./phases.ts";

const [STAYS, MOVES] = [17, 5000];

let world: Pair;
let effects: unknown[];
beforeEach(async () => {
  effects = [];
  world = { ...(await emptyPair()), EFFECTS: queueTo((message) => void effects.push(message)) };
  vi.spyOn(console, "warn").mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const UPPER = { first: 4096, last: 8191, target: "DB_1" };
const LOWER = { ...UPPER, first: 0, last: 4095 };

/** Moves shards to the end, and reads the new map. */
async function move(shards: typeof UPPER): Promise<void> {
  const { id } = await beginMove(world, shards);
  while ((await moveOf(world, id)).phase !== "done") {
    await runStep(world, id);
    await PAIR.DB.prepare("UPDATE shard_moves SET published_at = published_at - 60000 WHERE id = ?").bind(id).run();
  }
  await readShardMap(world);
}

it("follows somebody whose shard moves between the decision and its write", async () => {
  const [ada, ben] = [await personIn(world, MOVES), await personIn(world, STAYS)];
  const write = Reader.prototype.write; // eslint-disable-line @typescript-eslint/unbound-method
  vi.spyOn(Reader.prototype, "write").mockImplementationOnce(async function (this: Reader, ...values) {
    await move(UPPER);
    return write.apply(this, values);
  });
  const response = await ask("PUT", `/v1/people/${ben.handle}/follow`, { env: world, token: ada.token });
  expect([response.status, await response.json()]).toEqual([200, { followedByMe: true, requestedByMe: false }]);
});

it("fills the feed of a follower whose shard joins the followee's meanwhile", async () => {
  await move(UPPER);
  const [ada, ben] = [await personIn(world, MOVES), await personIn(world, STAYS)];
  const post = newId<PostId>(shardOf(ben.id));
  await d1Of(world, ben.id)
    .prepare("INSERT INTO posts (id, author, caption, media, seq) VALUES (?, ?, '', '[]', 1)")
    .bind(post, ben.id)
    .run();
  await ask("PUT", `/v1/people/${ben.handle}/follow`, { env: world, token: ada.token });
  const batch = Database.prototype.batch; // eslint-disable-line @typescript-eslint/unbound-method
  vi.spyOn(Database.prototype, "batch").mockImplementationOnce(async function (this: Database, ...values) {
    const results = await batch.apply(this, values);
    await move(LOWER);
    return results;
  });
  await applyFollow(world, effects[0] as Parameters<typeof applyFollow>[1]);
  const { results } = await d1Of(world, ada.id).prepare("SELECT post FROM feed WHERE reader = ?").bind(ada.id).all();
  expect(results).toEqual([{ post }]);
});

/** A move refuses nobody what they may do: what cannot be written for a moment can be written after it, or waits for it. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type MediaId, newId, type PostId, shardOf } from "../../schema/ids.ts";
import { readShardMap, shardOfHandle } from "../../schema/d1/shards.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { png } from "../../tests/runtime/media/media.ts";
import { emptyPair, type Pair, PAIR, personIn } from "../../tests/runtime/world/pair.ts";
import { ask, outcome, randomHandle } from "../../tests/runtime/world/people.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import { claimHandle } from "../api/accounts/sign-up.ts";
import { beginMove, moveOf } from "./moves.ts";
import { runStep } from "./phases.ts";

const RANGE = { first: 4096, last: 8191, target: "DB_1" };
const [STAYS, MOVES] = [17, 5000];

let world: Pair;
beforeEach(async () => {
  const nothing = queueTo(() => undefined);
  world = { ...(await emptyPair()), EFFECTS: nothing, INSPECTIONS: nothing, VIDEO_INSPECTIONS: nothing };
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(console, "warn").mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Steps until the shards are closed in both databases. */
async function switching(): Promise<number> {
  const { id } = await beginMove(world, RANGE);
  while ((await moveOf(world, id)).phase !== "published") await runStep(world, id);
  await readShardMap(world);
  return id;
}

/** Steps on until the target has opened. */
async function opened(id: number): Promise<void> {
  await PAIR.DB.prepare("UPDATE shard_moves SET published_at = published_at - 60000 WHERE id = ?").bind(id).run();
  await readShardMap(world);
  await runStep(world, id);
  expect((await moveOf(world, id)).phase).toBe("cleaning");
}

async function readyFile(owner: Awaited<ReturnType<typeof personIn>>): Promise<MediaId> {
  const id = newId<MediaId>(shardOf(owner.id));
  await d1Of(world, id)
    .prepare(
      `INSERT INTO media (id, owner, state, content_type, bytes, width, height) VALUES (?, ?, 'ready', 'image/png', 9, 8, 8)`,
    )
    .bind(id, owner.id)
    .run();
  return id;
}

it("asks to try again, and takes it then, whatever is written in the moment of the switch", async () => {
  const [ada, ben, cleo] = [await personIn(world, MOVES), await personIn(world, STAYS), await personIn(world, STAYS)];
  await ask("PUT", `/v1/people/${ben.handle}/follow`, { env: world, token: ada.token });
  const [shown, unused, described] = [await readyFile(ada), await readyFile(ada), await readyFile(ada)];
  const published = await ask("POST", "/v1/posts", {
    env: world,
    token: ada.token,
    body: { caption: "", media: [{ id: shown }] },
  });
  const { id: post } = await published.json<{ id: PostId }>();
  const writes: [string, string, unknown?][] = [
    ["POST", "/v1/posts", { caption: "Once", media: [{ id: described }] }], // A file that was never published.
    ["POST", "/v1/posts", { caption: "Again", media: [{ id: shown }] }],
    ["PATCH", `/v1/media/${unused}`, { alt: "A harbour" }],
    ["DELETE", `/v1/media/${unused}`],
    ["PATCH", "/v1/me", { bio: "Here" }],
    ["PUT", `/v1/people/${cleo.handle}/follow`],
    ["PUT", `/v1/people/${ben.handle}/bell`],
    ["PUT", `/v1/people/${ben.handle}/mute`],
    ["DELETE", `/v1/people/${ben.handle}/mute`],
    ["DELETE", `/v1/people/${ben.handle}/follow`],
    ["PUT", `/v1/posts/${post}/mute`],
    ["PUT", "/v1/notifications/preferences", { kinds: { like: { who: "following", push: false } } }],
    ["PUT", `/v1/people/${ben.handle}/block`],
    ["DELETE", `/v1/people/${ben.handle}/block`],
    ["DELETE", "/v1/sessions/current"],
  ];
  const write = ([method, path, body]: (typeof writes)[number]) =>
    ask(method, path, { env: world, token: ada.token, ...(body !== undefined && { body }) });

  const id = await switching();
  for (const each of writes) {
    const response = await write(each);
    const told = response.status < 300 ? "done" : `${await outcome(response)} ${response.headers.get("retry-after")}`;
    // What changes nothing is refused nothing.
    expect(["done", "503 unavailable 1"], each.slice(0, 2).join(" ")).toContain(told);
  }
  await opened(id);
  for (const each of writes) {
    expect((await write(each)).status, each.slice(0, 2).join(" ")).toBeLessThan(300);
  }
});

it("keeps a file that has been sent until the switch is over, instead of asking for it again", async () => {
  const ada = await personIn(world, MOVES);
  const file = await png(3, 2);
  // The switch comes while the bytes are on their way: their row is there already.
  let id: number | undefined;
  const storing = new Proxy(world.MEDIA, {
    get: (bucket, name) => {
      const value: unknown = Reflect.get(bucket, name);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const stored: unknown = await Reflect.apply(value, bucket, args);
        if (name === "put") {
          id ??= await switching();
          setTimeout(() => void opened(id ?? 0), 700);
        }
        return stored;
      };
    },
  });
  const response = await ask("POST", "/v1/media", {
    env: { ...world, MEDIA: storing },
    token: ada.token,
    headers: { "content-length": String(file.byteLength) },
    raw: file,
  });
  expect(response.status).toBe(201);
  expect(id).toBeDefined();
});

it("does not call a handle taken while nobody knows whether its sign-up went through", async () => {
  await switching();
  let handle = randomHandle();
  while (shardOfHandle(handle) >= RANGE.first) handle = randomHandle();
  await claimHandle(world, handle); // The claim of a sign-up that was refused, and could not give it back.
  const body = { handle, password: "correct horse battery" };
  expect(await outcome(await ask("POST", "/v1/people", { env: world, body }))).toBe("503 unavailable");
});

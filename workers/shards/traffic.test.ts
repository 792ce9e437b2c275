/**
 * A move that crashes again and again while people do everything that the API offers: afterwards each row is in one
 * database, the one where it is looked for, and the two together hold what was acknowledged and nothing else.
 */
import { afterEach, expect, it, onTestFinished, vi } from "vitest";
import type { Effect } from "../../schema/messages/effects.ts";
import type { Comment, Post } from "../../schema/api/posts.ts";
import { type MediaId, newId, type PostId } from "../../schema/ids.ts";
import { readShardMap } from "../../schema/d1/shards.ts";
import { d1Of } from "../../tests/runtime/stores/d1.ts";
import { noteArrived, flush, recordQueues } from "../../tests/runtime/queues/facts.ts";
import { intercepted } from "../../tests/runtime/stores/interleave.ts";
import { emptyPair, PAIR, personIn, rowsOf, shardIn } from "../../tests/runtime/world/pair.ts";
import { ask } from "../../tests/runtime/world/people.ts";
import { queueTo } from "../../tests/runtime/queues/queue.ts";
import { randomOf } from "../../tests/product/harness/random.ts";
import { newSession } from "../api/sessions/tokens.ts";
import { fanOut } from "../feeds/fan-out.ts";
import { applyFollow } from "../relations/follow.ts";
import { audit } from "../projector/audit.ts";
import { project } from "../projector/projector.ts";
import { beginMove, moveOf } from "./moves.ts";
import { runStep } from "./phases.ts";

const RANGE = { first: 4096, last: 8191, target: "DB_1" };
const SHARDS = [3, 1000, 4095, 4096, 6000, 8191];
const NEWCOMERS_MAX = 20;

afterEach(() => {
  vi.restoreAllMocks();
});

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

class Client {
  readonly follows = new Set<string>();
  readonly likes = new Set<string>();
  readonly said: string[] = [];
  readonly posts: PostId[] = [];
  readonly sessions: string[] = [];
  bio = "";

  readonly who: Awaited<ReturnType<typeof personIn>>;
  constructor(who: Client["who"]) {
    this.who = who;
  }
}

it.each([1, 2, 3])(
  "loses and doubles nothing of what people do meanwhile (seed %i)",
  async (seed) => {
    const random = randomOf(seed);
    const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    await emptyPair();
    for (const level of ["warn", "error"] as const) vi.spyOn(console, level).mockReturnValue();
    const queues = recordQueues();
    const effects: Effect[] = [];
    const world = { ...PAIR, EFFECTS: queueTo((effect) => effects.push(effect as Effect)) };
    let refused = 0;
    const over = new AbortController();
    onTestFinished(() => over.abort());

    /** As a client does: again while it is refused for the moment. */
    const write = async <T>(method: string, path: string, token: string, body?: unknown): Promise<T> => {
      for (;;) {
        const response = await ask(method, path, { env: world, token, ...(body !== undefined && { body }) });
        if (response.status !== 503) {
          expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
          return (response.status === 204 ? undefined : await response.json()) as T;
        }
        expect(response.headers.get("retry-after")).toBe("1");
        refused += 1;
        await sleep(10);
      }
    };

    const clients = await Promise.all(SHARDS.map(async (shard) => new Client(await personIn(world, shard))));
    const posts: PostId[] = [];
    const media = new Map<Client, MediaId>();
    for (const [index, client] of clients.entries()) {
      const picture = newId<MediaId>(SHARDS[index] ?? 0);
      media.set(client, picture);
      await d1Of(world, picture)
        .prepare(
          `INSERT INTO media (id, owner, state, content_type, bytes, width, height) VALUES (?, ?, 'ready', 'image/png', 9, 8, 8)`,
        )
        .bind(picture, client.who.id)
        .run();
    }
    const publish = async (client: Client, key = crypto.randomUUID()) => {
      const body = { caption: key, media: [{ id: media.get(client) }] };
      const { id } = await write<Post>("POST", "/v1/posts", client.who.token, body);
      client.posts.push(id);
      posts.push(id);
    };
    for (const client of clients) await publish(client);

    const act = async (client: Client): Promise<void> => {
      const { token, handle, id } = client.who;
      const [other, post, choice] = [any(clients).who, any(posts), random()];
      if (choice < 0.3 && other.handle !== handle) {
        const follows = !client.follows.has(other.id);
        await write(follows ? "PUT" : "DELETE", `/v1/people/${other.handle}/follow`, token);
        client.follows[follows ? "add" : "delete"](other.id);
      } else if (choice < 0.45) {
        const bio = crypto.randomUUID();
        await write("PATCH", "/v1/me", token, { bio });
        client.bio = bio;
      } else if (choice < 0.7) {
        const likes = !client.likes.has(post);
        await write(likes ? "PUT" : "DELETE", `/v1/posts/${post}/like`, token);
        client.likes[likes ? "add" : "delete"](post);
      } else if (choice < 0.8) {
        client.said.push((await write<Comment>("POST", `/v1/posts/${post}/comments`, token, { text: "Hm" })).id);
      } else if (choice < 0.85) {
        await write("POST", "/v1/notifications/read", token, { upTo: new Date().toISOString() });
      } else if (choice < 0.95) {
        // In and out again, or in and staying.
        const session = await newSessionOf(client);
        if (session === undefined) return;
        if (random() < 0.5) await write("DELETE", "/v1/sessions/current", session);
        else client.sessions.push(session.slice(14, 27));
      } else if (posts.length < 40) await publish(client);
      expect((await ask("GET", "/v1/me", { env: world, token })).status, id).toBe(200);
      expect((await ask("GET", "/v1/feed", { env: world, token })).status).toBe(200);
    };
    const newSessionOf = async ({ who }: Client): Promise<string | undefined> => {
      const { token, row } = await newSession(world, who.id);
      try {
        await d1Of(world, who.id)
          .prepare("INSERT INTO sessions (id, person, secret_hash, expires_at) VALUES (?, ?, ?, ?)")
          .bind(row.id, row.person, row.secretHash, row.expiresAt)
          .run();
        return token;
      } catch {
        return undefined;
      }
    };

    // Storage is shared with other tests, whose actors have alarms as well.
    const isOurs = ({ post }: { post: PostId }) => posts.includes(post);

    /** What queues do: again when it fails. */
    const deliver = async (): Promise<void> => {
      for (const post of posts) await flush(PAIR.POSTS.getByName(post));
      for (const fact of queues.facts.splice(0).filter(isOurs)) {
        try {
          await project(world, [fact]);
          await noteArrived(PAIR.POSTS.getByName(fact.post), fact); // The actors look into the database of all tests.
        } catch {
          queues.facts.push(fact);
        }
      }
      for (const message of queues.fanOuts.splice(0).filter(isOurs)) {
        await fanOut(world, message).catch(() => queues.fanOuts.push(message));
      }
      for (const effect of effects.splice(0)) {
        if (effect.kind === "follow") await applyFollow(world, effect).catch(() => effects.push(effect));
      }
    };

    const newcomers: string[] = [];
    const traffic = Promise.all([
      ...clients.map(async (client) => {
        while (!over.signal.aborted) await act(client).then(() => sleep(5)); // A timer fires only where somebody waits.
      }),
      (async () => {
        while (!over.signal.aborted) await deliver().then(() => sleep(20));
      })(),
      (async () => {
        while (!over.signal.aborted && newcomers.length < NEWCOMERS_MAX) {
          const who = await personIn(world, any(SHARDS)).catch(() => undefined);
          if (who) newcomers.push(who.id);
          await sleep(50);
        }
      })(),
    ]);

    const crashing = (count: number): Env => {
      let calls = 0;
      const isMade = random() < 0.5;
      return intercepted(world, (call) => async (...args) => {
        calls += 1;
        if (calls < count) return call(...args);
        if (calls === count && isMade) await call(...args);
        throw new Error("Network connection lost.");
      });
    };
    const { id } = await beginMove(world, RANGE);
    const mover = (async () => {
      let crashes = 0;
      for (let steps = 0; ; steps += 1) {
        const move = await moveOf(world, id);
        expect(steps, move.phase).toBeLessThan(500);
        if (move.phase === "done") return crashes;
        expect(move.phase).not.toMatch(/^abort/);
        if (move.publishedFor !== null) {
          await PAIR.DB.prepare("UPDATE shard_moves SET published_at = published_at - 60000").run();
          await readShardMap(PAIR);
        }
        await runStep(steps % 3 === 2 ? world : crashing(1 + Math.floor(random() * 40)), id).catch(
          () => (crashes += 1),
        );
        await sleep(30);
      }
    })();
    const crashes = await Promise.race([mover, traffic.then(() => mover)]);
    await sleep(200);
    over.abort();
    await traffic;
    // What an actor has sent and nobody has confirmed, it sends again after ten seconds.
    await vi.waitFor(
      async () => {
        await deliver();
        for (const post of posts) expect(await audit(world, post)).toMatchObject({ verdict: "equal" });
      },
      { timeout: 30_000, interval: 100 },
    );

    const [here, there] = [await rowsOf(PAIR.DB), await rowsOf(PAIR.DB_1)];
    const isIn = (row: string) => shardIn(row) >= RANGE.first;
    expect([...here].filter(([, row]) => isIn(row))).toEqual([]);
    expect([...there].filter(([, row]) => !isIn(row))).toEqual([]);
    const rows = [...here, ...there].map(([key, row]): Row => ({
      ...(JSON.parse(row) as Row),
      table: key.split(" ")[0],
    }));
    const of = (table: string) => rows.filter((row) => row.table === table);
    const keys = (...texts: unknown[]) => texts.join(" ");

    const followed = clients.flatMap(({ who, follows }) => [...follows].map((other) => keys(who.id, other)));
    const active = (table: string) =>
      of(table).flatMap((row) => (row["active"] === 1 ? [keys(row["follower"], row["followee"])] : []));
    expect(active("following").sort()).toEqual(followed.sort());
    expect(active("followers").sort()).toEqual(followed.sort());
    const liked = of("likes").flatMap((row) => (row["liked"] === 1 ? [keys(row["person"], row["post"])] : []));
    expect(liked.sort()).toEqual(
      clients.flatMap(({ who, likes }) => [...likes].map((post) => keys(who.id, post))).sort(),
    );
    const ids = (table: string) => of(table).map((row) => row["id"] as string);
    expect(ids("comments").sort()).toEqual(clients.flatMap(({ said }) => said).sort());
    expect(ids("posts").sort()).toEqual([...posts].sort());
    expect(ids("people").sort()).toEqual([...clients.map(({ who }) => who.id as string), ...newcomers].sort());
    expect(ids("sessions").sort()).toEqual(expect.arrayContaining(clients.flatMap(({ sessions }) => sessions)));
    expect(ids("sessions")).toHaveLength(
      clients.length + newcomers.length + clients.flatMap(({ sessions }) => sessions).length,
    );
    for (const { who, bio } of clients) {
      const counted = {
        bio,
        posts: of("posts").filter((row) => row["author"] === who.id).length,
        following: followed.filter((pair) => pair.startsWith(who.id)).length,
        followers: followed.filter((pair) => pair.endsWith(who.id)).length,
      };
      expect(of("people").find((row) => row["id"] === who.id)).toMatchObject(counted);
    }
    for (const database of [PAIR.DB, PAIR.DB_1]) {
      expect(await database.prepare("SELECT * FROM noted_changes").all()).toMatchObject({ results: [] });
    }
    console.log(`seed ${seed}: ${rows.length} rows, ${posts.length} posts, ${refused} refused, ${crashes} crashes`);
  },
  90_000,
);

type Row = Record<string, unknown>;

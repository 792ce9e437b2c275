/** A move without other traffic: what is copied and rejected, what a crash leaves, and where each row ends up. */
import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ShardMap, ShardMove } from "../../schema/api/shards.ts";
import { newId, type MediaId, type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { isWritableSql, shardOfHandleSql, shardOfIdSql } from "../../schema/d1/shard-sql.ts";
import { readShardMap, shardOfHandle } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { effects } from "../../schema/tables/people.ts";
import { d1Of, prepared } from "../../tests/runtime/stores/d1.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { intercepted } from "../../tests/runtime/stores/interleave.ts";
import { emptyPair, type Pair, PAIR, personIn, rowsOf, shardIn } from "../../tests/runtime/world/pair.ts";
import { ask, outcome, randomHandle } from "../../tests/runtime/world/people.ts";
import { newPerson } from "../../tests/runtime/world/posts.ts";
import { randomOf } from "../../tests/product/harness/random.ts";
import { resendEffects } from "../storage/effects.ts";
import { likeStatements } from "../projector/likes.ts";
import { abortMove, beginMove, type Move, moveOf } from "./moves.ts";
import { advanceFencedMove, runStep } from "./phases.ts";
import { MOVED_TABLES, SHARED } from "./tables.ts";

const RANGE = { first: 4096, last: 8191, target: "DB_1" };
const STAYING_SHARD = 17;
const MOVING_SHARD = 5000;

let world: Pair;
beforeEach(async () => {
  recordQueues();
  world = await emptyPair();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const sorted = <T>(rows: Iterable<[string, T]>) => [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1));
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const isInRange = (row: string): boolean => shardIn(row) >= RANGE.first && shardIn(row) <= RANGE.last;

/** Makes it look as if the leases of all isolates had expired. */
async function passLeases(id: number): Promise<void> {
  await PAIR.DB.prepare("UPDATE shard_moves SET published_at = published_at - 60000 WHERE id = ?").bind(id).run();
  await readShardMap(PAIR);
}

/** Runs steps until the move reaches `phase` or ends. */
async function moveTo(phase: Move["phase"] | undefined, id: number, on: Env = world): Promise<Move> {
  for (let steps = 0; ; steps += 1) {
    const move = await moveOf(world, id);
    expect(steps, move.phase).toBeLessThan(300);
    if (move.phase === phase || move.phase === "done" || move.phase === "aborted") return move;
    if (move.phase === "published" || move.phase === "cleaning") await passLeases(id);
    await runStep(on, id);
  }
}

/** Adds rows to every table for two people: one who stays and one who moves. */
async function seedRows() {
  const people = [await personIn(world, STAYING_SHARD), await personIn(world, MOVING_SHARD)] as const;
  for (const { id } of people) {
    const shard = shardOf(id);
    const [other, post, media] = [newPerson(), newId<PostId>(shard), newId<MediaId>(shard)];
    const database = d1Of(world, id);
    const add = (sql: string, ...values: (string | number)[]) => database.prepare(sql).bind(...values);
    await database.batch([
      add("INSERT INTO following (follower, followee, active, version) VALUES (?, ?, 1, 1)", id, other),
      add("INSERT INTO followers VALUES (?, ?, ?, 1, 3, 0, 0, 2, 9, 2, 1, ?, 9)", id, shardOf(other), other, post),
      add("INSERT INTO followers VALUES (?, ?, ?, 0, 2, 0, 1, 1, 8, -1, 0, NULL, 8)", id, 7, newPerson()),
      add("INSERT INTO blocks VALUES (?, ?, 1, 1, 0, 0)", id, newPerson()),
      add("INSERT INTO notifications VALUES (?, 'like', ?, ?, '[]', 2, NULL, 1, 1, 1, 1, 1, 1, 1, 1)", id, post, post),
      add("INSERT INTO notification_preferences VALUES (?, 'like', 'following', 0)", id),
      add("INSERT INTO quiet_hours VALUES (?, 1320, 420, 'Europe/Lisbon')", id),
      add("INSERT INTO mutes VALUES (?, ?)", id, other),
      add(
        "INSERT INTO push_subscriptions VALUES (?, 'https://push.example/' || ?, 'key', 'auth', ?, 1, NULL)",
        id,
        id,
        id,
      ),
      add("INSERT INTO muted_posts VALUES (?, ?)", id, post),
      add("INSERT INTO live_places (person, relay, until) VALUES (?, 'weur-1', 1)", id),
      add("INSERT INTO effects VALUES (?, '{}', ?, 1)", newId(shard), Date.now() + 3_600_000),
      add("INSERT INTO posts VALUES (?, ?, 'It’s \"low\" tide 🌊\n', '[]', 1, NULL)", post, id),
      add("INSERT INTO post_stats (post, likes, comments, seq) VALUES (?, 1, 1, 3)", post),
      add(
        "INSERT INTO comments (post, parent, id, author, text, likes, replies, state, seq) VALUES (?, '', ?, ?, 'Hm', 0, 0, 'shown', 2)",
        post,
        newId(shard),
        other,
      ),
      add("INSERT INTO comment_likes VALUES (?, ?, 1, 5, ?)", id, newId(3), post),
      add("INSERT INTO recovery_secrets VALUES (?, 'hash', 'code', 1, NULL)", id),
      add(
        "INSERT INTO passkeys (person, id, public_key, sign_count, name, added_at) VALUES (?, 'key', 'cose', 0, 'Phone', 1)",
        id,
      ),
      add("INSERT INTO closings (person, closed_at) VALUES (?, 1)", id),
      add("INSERT INTO export_downloads VALUES (?, 'a download', 1)", id),
      add("INSERT INTO feed VALUES (?, ?, ?)", id, post, id),
      add(
        "INSERT INTO media (id, owner, state, content_type, bytes) VALUES (?, ?, 'uploading', 'image/png', 7)",
        media,
        id,
      ),
      add("INSERT INTO reports VALUES (?, ?, 'spam', 'An advert', 1)", post, newPerson()),
      add("INSERT INTO reports VALUES (?, ?, 'other', '', 1)", id, newPerson()),
      add(
        `INSERT INTO cases (subject, kind, post, parent, person, content, reports, opened_at, revision, version, open, down,
           sanction, reason) VALUES (?, 'post', ?, '', ?, '{}', 1, 1, 1, 0, 1, 0, 'none', '')`,
        post,
        post,
        id,
      ),
      add(
        `INSERT INTO decisions (person, subject, kind, excerpt, version, down, sanction, action, reason, decided_at)
         VALUES (?, ?, 'post', '', 1, 1, 'none', 'take_down', 'Because', 1)`,
        id,
        post,
      ),
      add("INSERT INTO moderation_log VALUES (?, NULL, 'role', ?, ?, '', '{}', 1)", newId(shard), id, id),
      add("INSERT INTO idempotency_keys VALUES (?, 'a key ☂\u001f', ?)", id, post),
      ...prepared(
        database,
        likeStatements([
          { person: id, post, liked: true, seq: 4 },
          { person: id, post: newId(9), liked: false, seq: 5 },
        ]),
      ),
    ]);
  }
  return people;
}

const digests = async () => {
  const sums = new Map<string, number[]>();
  for (const database of [world.DB, world.DB_1]) {
    const { results } = await database
      .prepare("SELECT * FROM like_digests")
      .all<Record<"likes" | "a" | "b" | "c", number> & { post: string }>();
    for (const { post, likes, a, b, c } of results) {
      const sum = sums.get(post) ?? [0, 0, 0, 0];
      sums.set(
        post,
        [likes, a, b, c].map((value, lane) => (value + (sum[lane] ?? 0)) % 2 ** 48),
      );
    }
  }
  return sorted([...sums].filter(([, sum]) => sum.some((value) => value !== 0)));
};

/** Expects each row of `before` in exactly one database, the one that the map names. */
async function expectAll(before: Map<string, string>, moved: boolean) {
  const [here, there] = [await rowsOf(world.DB), await rowsOf(world.DB_1)];
  expect(sorted(there)).toEqual(sorted([...before].filter(([, row]) => moved && isInRange(row))));
  expect(sorted(here)).toEqual(sorted([...before].filter(([, row]) => !moved || !isInRange(row))));
}

it("computes the same shard of an id and of a handle in SQL as in code", async () => {
  const ids = Array.from({ length: 300 }, () => newPerson());
  const handles = ["abc", "a".repeat(30), ...Array.from({ length: 100 }, () => randomHandle())];
  const shards = async (keys: string[], sql: string) => {
    const { results } = await world.DB.prepare(`SELECT ${sql} AS shard FROM json_each(?)`)
      .bind(JSON.stringify(keys))
      .all();
    return results.map(({ shard }) => shard);
  };
  expect(await shards(ids, textOf(shardOfIdSql(sql`value`)))).toEqual(ids.map(shardOf));
  expect(await shards(handles, textOf(shardOfHandleSql(sql`value`)))).toEqual(handles.map(shardOfHandle));
});

it("knows every table, so that a new one must declare where its rows live", async () => {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'd1\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  ).all<{ name: string }>();
  const own = [
    "dead_letters",
    "measures",
    "secrets",
    "site_filters",
    "shard_moves",
    "closed_shards",
    "moving_shards",
    "noted_changes",
    "mover",
    "closed_people", // The same in every database.
  ];
  const known = [...MOVED_TABLES.map(({ name }) => name), ...SHARED, ...own];
  expect(results.map(({ name }) => name).sort()).toEqual(known.sort());
});

it("disables every counting trigger while the mover copies", async () => {
  const { results } = await env.DB.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all<{
    name: string;
    sql: string;
  }>();
  expect(results.length).toBeGreaterThan(5);
  expect(results.filter(({ sql }) => !sql.includes("NOT EXISTS (SELECT 1 FROM mover)"))).toEqual([]);
});

it("moves the rows of every table, and no others", async () => {
  await seedRows();
  const before = await rowsOf(world.DB);
  const sums = await digests();
  const tables = (rows: Map<string, string>) => new Set([...rows.keys()].map((key) => key.split(" ")[0]));
  expect(tables(new Map([...before].filter(([, row]) => isInRange(row)))).size).toBeGreaterThanOrEqual(
    MOVED_TABLES.length - 2, // Handles, and those that look alike, have the shard of a hash.
  );

  const { id } = await beginMove(world, RANGE);
  expect(await moveTo(undefined, id)).toMatchObject({ phase: "done", reason: null });
  await expectAll(before, true);
  expect(await digests()).toEqual(sums);
  const left = await world.DB.prepare("SELECT sum(likes) AS likes FROM like_digests").first();
  const arrived = await world.DB_1.prepare("SELECT sum(likes) AS likes FROM like_digests").first();
  expect([left, arrived]).toEqual([{ likes: 1 }, { likes: 1 }]);
  expect(await readShardMap(world)).toEqual([
    { binding: "DB", first: 0, last: 4095 },
    { binding: "DB_1", first: 4096, last: 8191 },
  ]);
});

it("moves some shards back, opens them there and closes them where they were", async () => {
  const [, moving] = await seedRows();
  const before = await rowsOf(world.DB);
  await moveTo(undefined, (await beginMove(world, RANGE)).id);
  await moveTo(undefined, (await beginMove(world, { first: 4500, last: 5500, target: "DB" })).id);
  expect((await readShardMap(world)).map(({ binding, first }) => `${binding}:${first}`)).toEqual([
    "DB:0",
    "DB_1:4096",
    "DB:4500",
    "DB_1:5501",
  ]);
  const rows = new Map([...(await rowsOf(world.DB)), ...(await rowsOf(world.DB_1))]);
  expect(sorted(rows)).toEqual(sorted(before));
  const closed = (database: D1Database) => database.prepare("SELECT * FROM closed_shards ORDER BY first").raw();
  expect(await closed(world.DB)).toEqual([
    [4096, 4499],
    [5501, 8191],
  ]);
  expect(await closed(world.DB_1)).toEqual([[4500, 5500]]);
  const rename = (database: D1Database) =>
    database.prepare("UPDATE people SET name = 'x' WHERE id = ?").bind(moving.id).run();
  expect((await rename(world.DB)).meta.changes).toBe(1);
  await expect(
    world.DB_1.prepare("INSERT INTO credentials (person, password) VALUES (?, 'x')").bind(moving.id).run(),
  ).rejects.toThrow("moving to another database");
});

it("always serves reads, and rejects writes of the moving people only during the switch", async () => {
  const [staying, moving] = await seedRows();
  const { id } = await beginMove(world, RANGE);
  const statuses: Record<string, string> = {};
  const rename = async ({ token }: { token: string }) => {
    const response = await ask("PATCH", "/v1/me", { env: world, token, body: { bio: crypto.randomUUID() } });
    return response.status === 503 ? `503 after ${response.headers.get("retry-after")}` : outcome(response);
  };
  vi.spyOn(console, "error").mockReturnValue();
  for (let move = await moveOf(world, id); move.phase !== "done"; move = await moveOf(world, id)) {
    if (move.publishedFor !== null && move.phase === "published") await passLeases(id);
    if (move.phase === "cleaning") await passLeases(id);
    expect((await ask("GET", "/v1/me", { env: world, token: moving.token })).status).toBe(200);
    statuses[move.phase] = `${await rename(staying)}, ${await rename(moving)}`;
    await runStep(world, id);
  }
  statuses["done"] = `${await rename(staying)}, ${await rename(moving)}`;
  expect(statuses).toEqual({
    preparing: "200, 200",
    copying: "200, 200",
    catching_up: "200, 200",
    verifying: "200, 200",
    fenced: "200, 200", // The step of this phase closes the shards.
    published: "200, 503 after 1",
    cleaning: "200, 200",
    done: "200, 200",
  });
});

it("gives a new person another shard meanwhile, or releases their handle", async () => {
  const { id } = await beginMove(world, RANGE);
  await moveTo("published", id);
  vi.spyOn(console, "error").mockReturnValue();
  const signUps = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const handle = handleThatStays();
      const body = { handle, password: "correct horse battery" };
      return { handle, status: (await ask("POST", "/v1/people", { env: world, body })).status };
    }),
  );
  for (const { handle, status } of signUps) {
    expect([201, 503]).toContain(status);
    const claim = await world.DB.prepare("SELECT person FROM handles WHERE handle = ?").bind(handle).first();
    expect(claim === null).toBe(status === 503);
  }
});

function handleThatStays(): string {
  const handle = randomHandle();
  return shardOfHandle(handle) < RANGE.first ? handle : handleThatStays();
}

it("copies rows that change meanwhile and deletes those that are deleted", async () => {
  const [, moving] = await seedRows();
  const { id } = await beginMove(world, RANGE);
  await moveTo("catching_up", id);
  await world.DB.batch([
    world.DB.prepare("UPDATE people SET name = 'changed' WHERE id = ?").bind(moving.id),
    world.DB.prepare("DELETE FROM feed WHERE reader = ?").bind(moving.id),
    world.DB.prepare("INSERT INTO feed VALUES (?, ?, ?)").bind(moving.id, newId(2), newPerson()),
  ]);
  const before = await rowsOf(world.DB);
  expect(await moveTo(undefined, id)).toMatchObject({ phase: "done" });
  await expectAll(before, true);
});

it("can be aborted until the map is published, and begun again", async () => {
  await seedRows();
  const before = await rowsOf(world.DB);
  for (const phase of ["preparing", "copying", "catching_up", "verifying", "fenced"] as const) {
    const { id } = await beginMove(world, RANGE);
    await moveTo(phase, id);
    await abortMove(world, id);
    expect((await moveTo(undefined, id)).phase).toBe("aborted");
    await expectAll(before, false);
    await world.DB.prepare("UPDATE people SET bio = bio WHERE true").run();
  }
  const { id } = await beginMove(world, RANGE);
  await moveTo("published", id);
  await expect(abortMove(world, id)).rejects.toThrow("too_late_to_abort");
  await moveTo(undefined, id);
  await expectAll(before, true);
});

it.each([
  ["a missing row", "DELETE FROM feed"],
  ["an extra row", "INSERT INTO feed VALUES ('01000000w0000', '01000000w0000', '01000000w0000')"],
  ["a different row", "UPDATE people SET bio = 'planted'"],
])("finds %s and aborts the move", async (_, plant) => {
  await seedRows();
  const before = await rowsOf(world.DB);
  const { id } = await beginMove(world, RANGE);
  await moveTo("verifying", id);
  await world.DB_1.batch([
    world.DB_1.prepare("INSERT INTO mover VALUES ('the test')"),
    world.DB_1.prepare(plant.replace("01000000w0000", newId(MOVING_SHARD))),
    world.DB_1.prepare("DELETE FROM mover"),
  ]);
  expect(await moveTo(undefined, id)).toMatchObject({
    phase: "aborted",
    reason: expect.stringMatching(/the databases differ in (feed|people) \[/),
  });
  await expectAll(before, false);
});

it("is advanced by cron if it is abandoned while people cannot write", async () => {
  await seedRows();
  const before = await rowsOf(world.DB);
  const { id } = await beginMove(world, RANGE);
  await moveTo("fenced", id);
  await advanceFencedMove(world);
  expect(await moveOf(world, id)).toMatchObject({ phase: "published" });
  await advanceFencedMove(world);
  expect(await moveOf(world, id)).toMatchObject({ phase: "published" });
  await passLeases(id);
  await advanceFencedMove(world);
  await advanceFencedMove(world);
  expect(await moveOf(world, id)).toMatchObject({ phase: "cleaning" });
  await moveTo(undefined, id);
  await expectAll(before, true);
});

it("does not make sweeps fail on rows that are being moved", async () => {
  await seedRows();
  const { id } = await beginMove(world, RANGE);
  await moveTo("published", id);
  for (const database of [world.DB, world.DB_1]) {
    await database.prepare(`UPDATE effects SET due_at = 0 WHERE ${textOf(isWritableSql(effects.id))}`).run();
  }
  // The seeded effects have no kind, so the sweep logs an error for each that it finds.
  const unknown = vi.spyOn(console, "error").mockReturnValue();
  const found = await resendEffects({ ...world, EFFECTS: undefined as unknown as Queue }, Date.now());
  expect(found).toBeGreaterThan(0);
  expect(unknown).toHaveBeenCalledTimes(found);
});

/**
 * Returns a `world` whose `count`th query and all later ones fail. If `isMade`, that query runs but its result is lost.
 */
function crashing(count: number, isMade: boolean): Env {
  let calls = 0;
  return intercepted(world, (call) => async (...args) => {
    calls += 1;
    if (calls < count) return call(...args);
    if (calls === count && isMade) await call(...args);
    throw new Error("Network connection lost.");
  });
}

it.each([1, 2, 3, 4, 5, 6])("continues after a crash at any query (seed %i)", async (seed) => {
  const random = randomOf(seed);
  await seedRows();
  await seedRows();
  const before = await rowsOf(world.DB);
  const sums = await digests();
  const { id } = await beginMove(world, RANGE);
  let crashes = 0;
  for (let move = await moveOf(world, id); move.phase !== "done"; move = await moveOf(world, id)) {
    if (move.publishedFor !== null) await passLeases(id);
    // Nothing else changes the rows here: traffic.test.ts covers that.
    const on = crashing(1 + Math.floor(random() * 60), random() < 0.5);
    await runStep(on, id).catch(() => (crashes += 1));
    if (crashes % 5 === 4) await runStep(world, id).catch(() => undefined);
  }
  expect(crashes).toBeGreaterThan(3);
  await expectAll(before, true);
  expect(await digests()).toEqual(sums);
});

it("ends the same when two operators run the same move at once", async () => {
  await seedRows();
  const before = await rowsOf(world.DB);
  const sums = await digests();
  const { id } = await beginMove(world, RANGE);
  expect((await beginMove(world, RANGE)).id).toBe(id);
  await expect(beginMove(world, { ...RANGE, first: 5000 })).rejects.toThrow("move_under_way");
  const operator = async () => {
    for (let move = await moveOf(world, id); move.phase !== "done"; move = await moveOf(world, id)) {
      if (move.publishedFor !== null) await passLeases(id);
      // An overtaken operator waits, as the CLI does. Otherwise the two would keep taking the move from each other.
      await runStep(world, id).catch(() => sleep(Math.random() * 300));
    }
  };
  await Promise.all([operator(), operator()]);
  await expectAll(before, true);
  expect(await digests()).toEqual(sums);
});

it("serves only the operator", async () => {
  await seedRows();
  const token = world.ADMIN_TOKEN;
  expect((await ask("GET", "/v1/admin/shards", { env: world })).status).toBe(401);
  const body = RANGE;
  const move = await (await ask("POST", "/v1/admin/shards/moves", { env: world, token, body })).json<ShardMove>();
  expect(move).toMatchObject({ ...RANGE, source: "DB", phase: "preparing", waitMs: 0 });
  const next = await (await ask("POST", `/v1/admin/shards/moves/${move.id}/steps`, { env: world, token })).json();
  expect(next).toMatchObject({ phase: "copying" });
  const shown = await (await ask("GET", "/v1/admin/shards", { env: world, token })).json<ShardMap>();
  expect(shown).toEqual({ ranges: [{ first: 0, last: 8191, database: "DB" }], move: next });
  const refused = (body: object) => ask("POST", "/v1/admin/shards/moves", { env: world, token, body }).then(outcome);
  expect(await refused({ ...RANGE, first: 1 })).toBe("409 move_under_way");
  const aborted = await ask("POST", `/v1/admin/shards/moves/${move.id}/abort`, { env: world, token });
  expect(await aborted.json()).toMatchObject({ phase: "aborting" });
  await moveTo(undefined, move.id);
  expect(await refused({ ...RANGE, target: "DB" })).toBe("422 invalid_request");
  expect(await refused({ ...RANGE, target: "DB_7" })).toBe("422 invalid_request");
  expect(await refused({ ...RANGE, last: 9000 })).toBe("422 invalid_request");
  expect(await outcome(await ask("POST", "/v1/admin/shards/moves/999/steps", { env: world, token }))).toBe(
    "404 not_found",
  );
});

it("moves more rows than fit into one step", async () => {
  const [, moving] = await seedRows();
  const readers = Array.from({ length: 60 }, () => newId<PersonId>(MOVING_SHARD + 1));
  const rows = readers.flatMap((reader) => Array.from({ length: 1000 }, (_, n) => ({ reader, post: newId(1, 0, n) })));
  const insert = `
    INSERT OR IGNORE INTO feed SELECT value ->> 'reader', value ->> 'post', '${moving.id}' FROM json_each(?1)`;
  for (let at = 0; at < rows.length; at += 10_000) {
    await world.DB.batch(prepared(world.DB, setBased(insert, rows.slice(at, at + 10_000))));
  }
  const before = await rowsOf(world.DB);
  const started = performance.now();
  const { id } = await beginMove(world, RANGE);
  expect(await moveTo(undefined, id)).toMatchObject({ phase: "done" });
  console.log(`${before.size} rows in ${Math.round(performance.now() - started)} ms`);
  await expectAll(before, true);
}, 60_000);

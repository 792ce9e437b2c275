/** A small world in which one person has every kind of relation, and the means to close their account and look for them. */
import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { Effect } from "../../../schema/messages/effects.ts";
import type { PostFacts } from "../../../schema/messages/facts.ts";
import type { FanOut } from "../../../schema/messages/fan-out.ts";
import { bindings } from "../../../schema/d1/shards.ts";
import { newId, type MediaId, type PersonId, type PostId, shardOf } from "../../../schema/ids.ts";
import worker from "../../../workers/index.ts";
import { hashPassword } from "../../../workers/passwords/passwords.ts";
import { project } from "../../../workers/projector/projector.ts";
import { fanOut } from "../../../workers/feeds/fan-out.ts";
import { reopenClosings } from "../../../workers/closing/sweeps.ts";
import { resendEffects } from "../../../workers/storage/effects.ts";
import { originalKey, renditionKey } from "../../../workers/media/files/objects.ts";
import { flush, type recordQueues, withQueuedFacts } from "../queues/facts.ts";
import { queueTo } from "../queues/queue.ts";
import { d1Named, d1Of } from "../stores/d1.ts";
import { deliver } from "../world/dead-letters.ts";
import { ask, signUp } from "../world/people.ts";

export const PASSWORD = "the tide is out today";

export type Someone = Awaited<ReturnType<typeof signUp>>;

/** Messages and effects wait here until a test delivers them. */
export class Stage {
  readonly effects: Effect[] = [];
  /** Copies of all that was delivered, to deliver it again. */
  readonly delivered = { facts: [] as PostFacts[], fanOuts: [] as FanOut[], effects: [] as Effect[] };
  readonly posts = new Set<PostId>();
  /** The stores, with queues that a test delivers from; `env` also makes actors hand nothing out. */
  readonly bindings: Env;
  readonly env: Env;
  readonly #queues: ReturnType<typeof recordQueues>;

  constructor(queues: ReturnType<typeof recordQueues>) {
    this.#queues = queues;
    const nothing = queueTo(() => {});
    const EFFECTS = queueTo((message) => this.effects.push(Effect.parse(message)));
    this.bindings = { ...env, EFFECTS, INSPECTIONS: nothing, VIDEO_INSPECTIONS: nothing, PUSHES: nothing };
    this.env = withQueuedFacts(this.bindings);
  }

  /** Sends a request that must succeed. */
  async ask<T>(by: Someone, method: string, path: string, body?: unknown): Promise<T> {
    const response = await ask(method, path, { token: by.token, env: this.env, ...(body !== undefined && { body }) });
    expect(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`).toBe(true);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  async publish(by: Someone, caption: string, headers = {}): Promise<PostId> {
    const media = await storedFile(by.person.id);
    const response = await ask("POST", "/v1/posts", {
      token: by.token,
      env: this.env,
      body: { caption, media: [{ id: media }] },
      headers,
    });
    expect(response.status).toBe(201);
    const { id } = await response.json<{ id: PostId }>();
    this.posts.add(id);
    return id;
  }

  async comment(by: Someone, post: PostId, text: string, replyTo?: string): Promise<string> {
    const body = { text, ...(replyTo !== undefined && { replyTo }) };
    return (await this.ask<{ id: string }>(by, "POST", `/v1/posts/${post}/comments`, body)).id;
  }

  /** Delivers everything that waits, until nothing is left. */
  async settle(): Promise<void> {
    for (let round = 0; round < 200; round += 1) {
      for (const post of this.posts) await flush(env.POSTS.getByName(post));
      const facts = this.#queues.facts.splice(0);
      if (facts.length > 0) await project(this.env, facts);
      const fanOuts = this.#queues.fanOuts.splice(0);
      for (const message of fanOuts) await fanOut(this.env, message);
      const effects = this.effects.splice(0);
      this.delivered.facts.push(...facts);
      this.delivered.fanOuts.push(...fanOuts);
      this.delivered.effects.push(...effects);
      if (effects.length > 0) await this.deliver(effects);
      if (facts.length + effects.length === 0) return;
    }
    throw new Error("the world does not come to rest");
  }

  async deliver(effects: readonly Effect[]): Promise<void> {
    for (const effect of effects) {
      await deliver("shutterline-effects", [effect], (batch, context) => worker.queue(batch, this.env, context));
    }
  }

  /** Settles, with what some minutes of cron would do. */
  async settleWithCron(): Promise<void> {
    await this.settle();
    for (let minute = 0; minute < 3; minute += 1) {
      await resendEffects(this.env, Date.now() + (minute + 1) * 24 * 3_600_000);
      await reopenClosings(this.env);
      await this.settle();
    }
  }
}

/** Makes a ready file with its original and a rendition in R2. */
export async function storedFile(owner: PersonId): Promise<MediaId> {
  const id = newId<MediaId>(shardOf(owner));
  await env.MEDIA.put(originalKey(id), "the original");
  await env.MEDIA.put(renditionKey(id, "w320"), "a rendition");
  await d1Of(env, id)
    .prepare(
      `INSERT INTO media (id, owner, state, content_type, bytes, width, height, look_at)
       VALUES (?, ?, 'ready', 'image/jpeg', 12, 1200, 800, ?)`,
    )
    .bind(id, owner, Date.now() + 86_400_000)
    .run();
  return id;
}

/** Signs somebody up with PASSWORD. */
export async function signUpWithPassword(): Promise<Someone> {
  const someone = await signUp();
  await d1Of(env, someone.person.id)
    .prepare("UPDATE credentials SET password = ? WHERE person = ?")
    .bind(await hashPassword(env, PASSWORD), someone.person.id)
    .run();
  return someone;
}

/** Returns where any of `words` is stored: `table: row`, for all rows of all databases. */
export async function rowsWith(words: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const binding of bindings(env)) {
    const database = d1Named(env, binding);
    const { results } = await database
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'd1\\_%' ESCAPE '\\'",
      )
      .all<{ name: string }>();
    for (const { name } of results) {
      const rows = await database.prepare(`SELECT * FROM "${name}"`).all();
      for (const row of rows.results) {
        const text = JSON.stringify(row);
        if (words.some((word) => text.includes(word))) found.push(`${name}: ${text}`);
      }
    }
  }
  return found;
}

/** Returns which rows of the actors of these posts hold any of `words`. */
export async function actorRowsWith(posts: Iterable<PostId>, words: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const post of posts) {
    const rows = await runInDurableObject(env.POSTS.getByName(post), (_, { storage }) =>
      storage.sql
        .exec<{ name: string }>(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
        )
        .toArray()
        .flatMap(({ name }) =>
          storage.sql
            .exec(`SELECT * FROM "${name}"`)
            .toArray()
            .map((row) => `${name}: ${JSON.stringify(row)}`),
        ),
    );
    found.push(...rows.filter((row) => words.some((word) => row.includes(word))));
  }
  return found;
}

/** Returns the names in KV, and their values, that hold any of `words`. */
export async function documentsWith(words: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await env.DOCUMENTS.list({ ...(cursor !== undefined && { cursor }) });
    for (const { name } of page.keys) {
      const text = `${name} ${await env.DOCUMENTS.get(name)}`;
      if (words.some((word) => text.includes(word))) found.push(text);
    }
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor !== undefined);
  return found;
}

/** Returns the keys in R2 that hold any of `words`. */
export async function objectsWith(words: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await env.MEDIA.list({ ...(cursor !== undefined && { cursor }) });
    found.push(...page.objects.map(({ key }) => key).filter((key) => words.some((word) => key.includes(word))));
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return found;
}

/** Returns how many upload actors have anything stored. */
export async function uploadsWithStorage(ids: readonly MediaId[]): Promise<MediaId[]> {
  const known = new Set((await listDurableObjectIds(env.UPLOADS)).map(String));
  const left: MediaId[] = [];
  for (const id of ids) {
    if (!known.has(String(env.UPLOADS.idFromName(id)))) continue;
    const size = await runInDurableObject(env.UPLOADS.getByName(id), async (_, { storage }) => {
      const { size } = await storage.list();
      return size;
    });
    if (size > 0) left.push(id);
  }
  return left;
}

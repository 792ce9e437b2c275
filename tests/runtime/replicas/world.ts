/** People who act at several edges, in a world whose databases have replicas that lag. */
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { readShardMap } from "../../../schema/d1/shards.ts";
import { LOGICAL_SHARDS, type PersonId, type PostId } from "../../../schema/ids.ts";
import { newSession } from "../../../workers/api/sessions/tokens.ts";
import { flush, type recordQueues } from "../queues/facts.ts";
import { queueTo } from "../queues/queue.ts";
import { d1Of } from "../stores/d1.ts";
import type { ReplicatedDatabase } from "../stores/replicated.ts";
import { personIn } from "../world/pair.ts";
import { HOST } from "../world/people.ts";
import { readyMedia, writeFollow } from "../world/posts.ts";
import type { Edge } from "./edges.ts";
import { BrokenPromise, pairOf, type Relations, type ViewerId, Visibility } from "./promise.ts";

/** More than the lifetime of everything that an isolate keeps, except for handles. */
const ALL_EXPIRES = 700_000; // ms

export type Person = {
  id: PersonId;
  handle: string;
  session: string;
  /** Their last consistency token. */
  token: string;
  /** The people they have followed or unfollowed last, if nobody else has changed that since. */
  decidedAbout: Set<PersonId>;
};
type OwnPost = { id: PostId; author: Person; caption: string; isDeleted: boolean };
type OwnComment = { mark: string; by: Person; post: OwnPost };

/** A read, and what it may show. */
export type Read = {
  by: Person | undefined;
  path: string;
  /** Whether the request carries the reader's token. */
  hasToken: boolean;
};

type Answer = { status: number; text: string };

export class World {
  readonly people: Person[] = [];
  readonly posts: OwnPost[] = [];
  readonly #databases: Record<string, ReplicatedDatabase>;
  readonly #edges: readonly Edge[];
  readonly #queues: ReturnType<typeof recordQueues>;
  readonly #effects: unknown[] = [];
  readonly #comments: OwnComment[] = [];
  #visibility = new Visibility([]);
  /** An environment for the test itself, whose calls are logged like those of an edge. */
  #env: Env = env;
  #step = 0;
  /** The number of marks used so far. */
  #marks = 0;
  /** How many reads were judged, how many showed a caption of somebody else, and how many one of an excluding person. */
  readonly seen = { reads: 0, others: 0, earlier: 0 };

  constructor(
    databases: Record<string, ReplicatedDatabase>,
    edges: readonly Edge[],
    queues: ReturnType<typeof recordQueues>,
  ) {
    this.#databases = databases;
    this.#edges = edges;
    this.#queues = queues;
  }

  /** Creates people in all databases in turn, each with a post, and each following the next. */
  async begin(people: number): Promise<void> {
    const names = Object.keys(this.#databases);
    const width = LOGICAL_SHARDS / names.length;
    const shards = names.map((name, index) => `${name}:${index * width}-${(index + 1) * width - 1}`).join(" ");
    const others = {
      SHARDS: shards,
      EFFECTS: queueTo((effect) => this.#effects.push(effect)),
      PUSHES: queueTo(() => undefined),
    };
    for (const edge of this.#edges) edge.bind(this.#databases, others);
    const own = Object.entries(this.#databases).map(([name, database]) => [name, database.binding(() => undefined)]);
    this.#env = { ...env, ...others, ...Object.fromEntries(own) } as Env;
    await readShardMap(this.#env);
    for (let index = 0; index < people; index += 1) {
      const shard = Math.floor(((index % names.length) + Math.random()) * width);
      const { id, handle, token: session } = await personIn(this.#env, shard);
      this.people.push({ id, handle, session, token: "", decidedAbout: new Set() });
    }
    for (const [index, { id }] of this.people.entries()) {
      const next = this.people[(index + 1) % people];
      if (next) await writeFollow(id, next.id, this.#env);
    }
    this.#visibility = new Visibility(this.people.map(({ id }) => id));
    await this.#observe();
    await this.catchUp(); // So that all sessions are known everywhere.
    for (const person of this.people) await this.publish(this.#edges[0] as Edge, person);
    await this.deliver(this.#edges[0] as Edge);
    await this.catchUp();
  }

  /** Makes all choices of replicas depend on `seed` from now on. */
  reseed(seed: number): void {
    for (const edge of this.#edges) edge.reseed(seed);
  }

  /** Takes a step that changes something. `by` is the person who takes it. */
  async change(by: Person | undefined, step: () => Promise<void>): Promise<void> {
    this.#step += 1;
    const { follows } = this.#visibility.relations;
    await step();
    await this.#observe();
    const { follows: now } = this.#visibility.relations;
    for (const person of this.people) {
      for (const other of this.people) {
        const pair = pairOf(person.id, other.id);
        if (follows.has(pair) === now.has(pair)) continue;
        if (person === by) person.decidedAbout.add(other.id);
        else person.decidedAbout.delete(other.id);
      }
    }
  }

  /** Sends a request with the session and the token of a person, who keeps the new token. */
  async #act(at: Edge, by: Person, method: string, path: string, body?: object): Promise<Response> {
    const response = await at.fetch(requestOf(method, path, { session: by.session, token: by.token, body }));
    expect(response.status, `${method} ${path}`).toBeLessThan(500);
    by.token = response.headers.get("consistency-token") ?? by.token;
    return response;
  }

  async publish(at: Edge, author: Person): Promise<void> {
    const media = await readyMedia(author.id, this.#env);
    const caption = this.#mark();
    const response = await this.#act(at, author, "POST", "/posts", { caption, media: [{ id: media }] });
    expect(response.status).toBe(201);
    const { id } = await response.json<{ id: PostId }>();
    this.posts.push({ id, author, caption, isDeleted: false });
    for (const mark of [caption, id]) this.#published(mark, author, { id, author });
  }

  async edit(at: Edge, post: OwnPost): Promise<void> {
    const caption = this.#mark();
    const response = await this.#act(at, post.author, "PATCH", `/posts/${post.id}`, { caption });
    expect(response.status).toBe(200);
    post.caption = caption;
    this.#published(caption, post.author, post);
  }

  async comment(at: Edge, by: Person, post: OwnPost): Promise<void> {
    const text = this.#mark();
    const response = await this.#act(at, by, "POST", `/posts/${post.id}/comments`, { text });
    if (response.status !== 201) return;
    this.#comments.push({ mark: text, by, post });
    this.#published(text, by, post);
  }

  async remove(at: Edge, post: OwnPost): Promise<void> {
    const response = await this.#act(at, post.author, "DELETE", `/posts/${post.id}`);
    expect(response.status).toBe(204);
    post.isDeleted = true;
  }

  isPrivate({ id }: Person): boolean {
    return this.#visibility.relations.privates.has(id);
  }

  /** Returns false for a change that is made already. Requests and decisions about them are always worth a try. */
  #wouldChange(by: Person, to: Person, what: keyof typeof RELATING): boolean {
    const { follows, blocks } = this.#visibility.relations;
    if (what === "block") return !blocks.has(pairOf(by.id, to.id));
    if (what === "unblock") return blocks.has(pairOf(by.id, to.id));
    if (what === "follow") return !follows.has(pairOf(by.id, to.id));
    if (what === "remove") return follows.has(pairOf(to.id, by.id));
    return true;
  }

  /** Follows, blocks or removes a person, decides about their request, or takes a follow or a block back. */
  async relate(at: Edge, by: Person, to: Person, what: keyof typeof RELATING): Promise<void> {
    if (!this.#wouldChange(by, to, what)) return;
    if (what === "unfollow") this.#visibility.unfollowed(by.id, to.id);
    const response = await this.#act(at, by, ...RELATING[what](to));
    if (what === "remove" && response.ok) this.#visibility.removed(to.id, by.id);
  }

  async setPrivate(at: Edge, by: Person, isPrivate: boolean): Promise<void> {
    const response = await this.#act(at, by, "PATCH", "/me", { private: isPrivate });
    expect(response.status).toBe(200);
  }

  /** Signs a person out, and in again. */
  async signOut(at: Edge, by: Person): Promise<void> {
    expect((await this.#act(at, by, "DELETE", "/sessions/current")).status).toBe(204);
    const ended = await at.fetch(requestOf("GET", "/me", { session: by.session }));
    expect(ended.status, "an ended session at the edge where it ended").toBe(401);
    const { token, row } = await newSession(this.#env, by.id);
    await d1Of(this.#env, row.id)
      .prepare("INSERT INTO sessions (id, person, secret_hash, expires_at) VALUES (?, ?, ?, ?)")
      .bind(row.id, row.person, row.secretHash, row.expiresAt)
      .run();
    by.session = token;
  }

  /** Delivers what the actors and the edges have sent, until nothing is left. */
  async deliver(at: Edge): Promise<void> {
    for (const { id } of this.posts) await flush(env.POSTS.getByName(id));
    for (;;) {
      const facts = this.#queues.facts.splice(0);
      const fanOuts = this.#queues.fanOuts.splice(0);
      const effects = this.#effects.splice(0);
      if (facts.length + fanOuts.length + effects.length === 0) return;
      if (facts.length > 0) await at.deliver("shutterline-facts", facts);
      for (const message of fanOuts) await at.deliver("shutterline-fan-out", [message]);
      for (const effect of effects) await at.deliver("shutterline-effects", [effect]);
    }
  }

  wait(ms: number): void {
    vi.setSystemTime(Date.now() + ms);
  }

  /** Lets every replica have everything. */
  async catchUp(): Promise<void> {
    await Promise.all(Object.values(this.#databases).map((database) => database.catchUp()));
  }

  /** Sends a read, and returns the answer for `judge`. */
  async read(at: Edge, { by, path, hasToken }: Read): Promise<Answer> {
    const token = hasToken && by ? { token: by.token } : {};
    const response = await at.fetch(requestOf("GET", path, { ...(by && { session: by.session }), ...token }));
    expect([200, 404], `GET ${path}: ${response.status}`).toContain(response.status);
    if (hasToken && by) by.token = response.headers.get("consistency-token") ?? by.token;
    return { status: response.status, text: await response.text() };
  }

  /** Expects that a read keeps the promise. */
  judge({ by, path, hasToken }: Read, { status, text }: Answer): void {
    if (status !== 200) return;
    const viewer: ViewerId = by?.id ?? "";
    // The path of a request for a post names it, and so counts as shown.
    const terms = { hasToken: hasToken && by !== undefined };
    const violations = this.#visibility.violations(viewer, `${path} ${text}`, terms);
    if (violations.length > 0) {
      const reader = `${viewer || "anybody"}${hasToken ? " with their token" : ""}`;
      throw new BrokenPromise(`GET ${path} shows ${reader}: ${violations.join("; ")}`);
    }
    const earlier = this.posts.filter(({ author }) => author !== by && this.#visibility.isExcluded(viewer, author.id));
    this.seen.reads += 1;
    if (this.posts.some(({ author, caption }) => author !== by && text.includes(caption))) this.seen.others += 1;
    if (earlier.some(({ id }) => `${path} ${text}`.includes(id))) this.seen.earlier += 1;
  }

  /** Throws unless a reader who sends their token sees what they have done. */
  judgeOwn({ by, path, hasToken }: Read, { status, text }: Answer): void {
    if (!by || !hasToken) return;
    const { follows, blocks } = this.#visibility.relations;
    const requireOwn = (isSeen: boolean, what: string) => {
      if (!isSeen) throw new BrokenPromise(`GET ${path} does not show ${by.id} their own ${what}: ${status} ${text}`);
    };
    const post = this.posts.find(({ id }) => path === `/posts/${id}`);
    if (post?.author === by) requireOwn(post.isDeleted ? status === 404 : text.includes(post.caption), "post");
    if (status !== 200) return;
    if (path.includes("/comments")) {
      const own = this.#comments.filter((comment) => comment.by === by && path.includes(comment.post.id));
      for (const { mark } of own) requireOwn(text.includes(mark), `comment ${mark}`);
    }
    const person = this.people.find(({ handle }) => path === `/people/${handle}`);
    if (!person || person === by) return;
    const pair = pairOf(by.id, person.id);
    const { followedByMe, blockedByMe } = JSON.parse(text) as Record<"followedByMe" | "blockedByMe", boolean>;
    requireOwn(blockedByMe === blocks.has(pair), "block");
    if (by.decidedAbout.has(person.id)) requireOwn(followedByMe === follows.has(pair), "follow");
  }

  /** Expects that everybody sees what they may see, once all replicas and caches are current. */
  async expectSettled(at: Edge): Promise<void> {
    await this.change(undefined, () => this.deliver(at));
    await this.catchUp();
    this.wait(ALL_EXPIRES);
    for (const { id, author, caption, isDeleted } of this.posts) {
      for (const by of [...this.people, undefined]) {
        const mayView = by === author || !this.#visibility.isExcluded(by?.id ?? "", author.id);
        const { status, text } = await this.read(at, { by, path: `/posts/${id}`, hasToken: false });
        const shown = status === 200 ? (JSON.parse(text) as { caption: string }).caption : undefined;
        if (shown !== undefined && !mayView) throw new BrokenPromise(`${id} by ${author.id} is shown to ${by?.id}`);
        expect(shown, `${id} by ${author.id} for ${by?.id}`).toBe(mayView && !isDeleted ? caption : undefined);
      }
    }
  }

  #mark(): string {
    this.#marks += 1;
    return `<${this.#marks}>`;
  }

  #published(mark: string, by: Person, { id, author }: Pick<OwnPost, "id" | "author">): void {
    this.#visibility.publish({ mark, by: by.id, on: { post: id, author: author.id }, at: this.#step });
  }

  async #observe(): Promise<void> {
    const ids = JSON.stringify(this.people.map(({ id }) => id));
    const privates = new Set<PersonId>();
    const [follows, blocks] = [new Set<string>(), new Set<string>()];
    const read = Object.values(this.#databases).map(({ primary }) =>
      primary.batch<Record<"id" | "other", PersonId>>(
        [PRIVATES, FOLLOWS, BLOCKS].map((sql) => primary.prepare(sql).bind(ids)),
      ),
    );
    for (const [people, following, blocking] of await Promise.all(read)) {
      for (const { id } of people?.results ?? []) privates.add(id);
      for (const { id, other } of following?.results ?? []) follows.add(pairOf(id, other));
      for (const { id, other } of blocking?.results ?? []) blocks.add(pairOf(id, other));
    }
    this.#visibility.observe({ privates, follows, blocks } satisfies Relations, this.#step);
  }
}

const PRIVATES = "SELECT id FROM people WHERE private = 1 AND id IN (SELECT value FROM json_each(?))";
const FOLLOWS = `
  SELECT follower AS id, followee AS other FROM following
  WHERE active = 1 AND follower IN (SELECT value FROM json_each(?))`;
const BLOCKS = `
  SELECT person AS id, other FROM blocks WHERE mine = 1 AND person IN (SELECT value FROM json_each(?))`;

type Call = [method: "PUT" | "DELETE", path: string];

const RELATING = {
  block: ({ handle }: Person): Call => ["PUT", `/people/${handle}/block`],
  unblock: ({ handle }: Person): Call => ["DELETE", `/people/${handle}/block`],
  follow: ({ handle }: Person): Call => ["PUT", `/people/${handle}/follow`],
  unfollow: ({ handle }: Person): Call => ["DELETE", `/people/${handle}/follow`],
  accept: ({ handle }: Person): Call => ["PUT", `/me/requests/${handle}`],
  decline: ({ handle }: Person): Call => ["DELETE", `/me/requests/${handle}`],
  remove: ({ handle }: Person): Call => ["DELETE", `/me/followers/${handle}`],
};

type Sent = { session?: string; token?: string; body?: object | undefined };

function requestOf(method: string, path: string, { session, token, body }: Sent): Request {
  const headers = {
    ...(session !== undefined && { authorization: `Bearer ${session}` }),
    ...(token !== undefined && { "Consistency-Token": token }),
    ...(body && { "content-type": "application/json" }),
  };
  return new Request(`${HOST}/v1${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
}

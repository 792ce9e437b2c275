/** One device of a person: runs its steps one after the other, and records its operations with their responses. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Comment, CommentPage, Liked, Post } from "../../../schema/api/posts.ts";
import type { Freshness, Recorded } from "./history.ts";
import type { Step } from "./plan.ts";
import { type Ended, FROM_THE_FUTURE, send, type Sent, tokenOf } from "./requests.ts";

/** The pause, in ms, between two tries while there is no server. */
const NO_SERVER_PAUSE = 50;
/** The most requests for one comment. */
const REQUESTS_MAX = 50;
/** The largest page that the API allows. */
const PAGE = 50;

/** `tokenKey`: the deployment's key of tokens. */
type Device = { address: string; session: string; tokenKey: string; client: number; person: number; posts: string[] };

export class Client {
  /** In the order in which they ended. */
  readonly operations: Recorded[] = [];
  /** How often a request ended without a response, by the reason. */
  readonly unknown = new Map<string, number>();
  readonly #device: Device;
  /** The last acknowledged write to each post. */
  readonly #written = new Map<string, { since: number; seq: number }>();
  #isRunning = true;
  #comments = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Runs the steps until they end or `stop` is called. */
  async take(steps: Iterable<Step>): Promise<void> {
    for (const step of steps) {
      if (!this.#isRunning) return;
      await this.#take(step);
      await sleep(step.pause);
    }
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** Reads every post from its actor. */
  async observe(): Promise<void> {
    for (const post of this.#device.posts) {
      await this.#read(post, "actor");
      await this.#list(post, "actor");
    }
  }

  async #take({ post: index, what, freshness, reply, repeats }: Step): Promise<void> {
    const post = this.#device.posts[index];
    if (post === undefined) throw new Error(`no post ${index}`);
    if (what === "read") await this.#read(post, freshness);
    else if (what === "list") await this.#list(post, freshness);
    else if (what === "comment") await this.#comment(post, reply);
    else {
      const answered = await this.#like(post, what === "like", reply);
      if (!answered && repeats) await this.#like(post, what === "like", { is: "taken" });
    }
  }

  async #like(post: string, liked: boolean, reply: Step["reply"]): Promise<boolean> {
    const { client, person } = this.#device;
    const sent = { method: liked ? "PUT" : "DELETE", path: `/v1/posts/${post}/like` } as const;
    const { invoke, ended, end } = await this.#write<Liked>(sent, reply);
    if (ended.is === "not sent") return false;
    const answer = ended.is === "answered" ? ended.body : null;
    this.operations.push({ f: "like", client, person, post, liked, invoke, return: answer && end, answer });
    if (answer) this.#written.set(post, { since: invoke, seq: answer.seq });
    return answer !== null;
  }

  /** Posts a comment, and repeats it under its key until a response comes, even across kills. */
  async #comment(post: string, reply: Step["reply"]): Promise<void> {
    const { client, person } = this.#device;
    this.#comments += 1;
    const text = `${client} ${this.#comments}`;
    const sent = {
      method: "POST",
      path: `/v1/posts/${post}/comments`,
      body: { text },
      headers: { "idempotency-key": `${client}-${this.#comments}` },
    } as const;
    let first: number | undefined;
    for (let requests = 1; ; requests += 1) {
      const { invoke, ended, end } = await this.#write<Comment>(sent, requests === 1 ? reply : { is: "taken" });
      const isLast = ended.is === "answered" || !this.#isRunning || requests === REQUESTS_MAX;
      if (ended.is === "not sent" && first === undefined) return;
      first ??= invoke;
      if (!isLast) continue;
      const answer = ended.is === "answered" ? { id: ended.body.id, seq: seqIn(ended, post) } : null;
      const common = { f: "comment", client, person, post, text, requests, lastInvoke: invoke } as const;
      this.operations.push({ ...common, invoke: first, return: answer && end, answer });
      if (answer) this.#written.set(post, { since: invoke, seq: answer.seq });
      return;
    }
  }

  async #read(post: string, kind: Step["freshness"]): Promise<void> {
    const { client, person } = this.#device;
    const { freshness, headers } = this.#requestOptions(post, kind);
    const { invoke, ended, end } = await this.#request<Post>({ method: "GET", path: `/v1/posts/${post}`, headers });
    if (ended.is !== "answered") return;
    const { likedByMe: liked, likes, comments, seq } = ended.body;
    const answer = { liked, likes, comments, seq };
    this.operations.push({ f: "read", client, person, post, freshness, invoke, return: end, answer });
  }

  async #list(post: string, kind: Step["freshness"]): Promise<void> {
    const { freshness, headers } = this.#requestOptions(post, kind);
    const comments: Comment[] = [];
    const started = performance.now();
    let cursor: string | undefined;
    do {
      const query = `limit=${PAGE}${cursor === undefined ? "" : `&cursor=${cursor}`}`;
      const sent = { method: "GET", path: `/v1/posts/${post}/comments?${query}`, headers } as const;
      const { ended } = await this.#request<CommentPage>(sent);
      if (ended.is !== "answered") return;
      comments.push(...ended.body.items);
      cursor = ended.body.next;
    } while (cursor !== undefined);
    const answer = comments.map(({ id, text }) => ({ id, text }));
    const times = { invoke: started, return: performance.now() };
    this.operations.push({ f: "list", client: this.#device.client, post, freshness, ...times, answer });
  }

  /** Returns a read's freshness and headers. An `own` read before the client's first write to the post is `plain`. */
  #requestOptions(post: string, kind: Step["freshness"]): { freshness: Freshness; headers: Record<string, string> } {
    const own = this.#written.get(post);
    if (kind === "actor")
      return { freshness: { kind }, headers: tokenOf(this.#device.tokenKey, post, FROM_THE_FUTURE) };
    if (kind === "own" && own)
      return { freshness: { kind, ...own }, headers: tokenOf(this.#device.tokenKey, post, own.seq) };
    return { freshness: { kind: "plain" }, headers: {} };
  }

  async #write<T>(sent: Sent, reply: Step["reply"]): Promise<Timed<T>> {
    const patience = reply.is === "aborted" ? { patience: reply.after } : {};
    const timed = await this.#request<T>({ ...sent, ...patience });
    if (reply.is !== "dropped" || timed.ended.is !== "answered") return timed;
    this.#countUnknown("dropped");
    return { ...timed, ended: { is: "unknown", why: "dropped" } };
  }

  /** Sends a request, and waits while there is no server. `invoke` is the time of the request that was sent. */
  async #request<T>(sent: Sent): Promise<Timed<T>> {
    for (;;) {
      const invoke = performance.now();
      const ended = await send<T>(this.#device.address, this.#device.session, sent);
      if (ended.is === "unknown") this.#countUnknown(ended.why);
      if (ended.is !== "not sent" || !this.#isRunning) return { invoke, ended, end: performance.now() };
      await sleep(NO_SERVER_PAUSE);
    }
  }

  #countUnknown(why: string): void {
    this.unknown.set(why, (this.unknown.get(why) ?? 0) + 1);
  }
}

type Timed<T> = { invoke: number; ended: Ended<T>; end: number };

function seqIn({ seqs }: { seqs: Map<string, number> }, post: string): number {
  const seq = seqs.get(post);
  if (seq === undefined) throw new Error(`the Consistency-Token of a write to ${post} does not name it`);
  return seq;
}

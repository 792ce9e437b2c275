/** A person who likes, unlikes and comments without pause, and records what was acknowledged. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Api, ResponseError } from "../../../scripts/api-client.ts";

/** The state a person's like may have on the server: after a request without a response, either one. */
export type Possible = { liked: boolean; mayBeOpposite: boolean };

/** The pause before another attempt while the server is down, in ms. */
const PAUSE = 100;

export class Writer {
  readonly api: Api;
  readonly handle: string;
  /** The state of this person's like, by post. */
  readonly likes = new Map<string, Possible>();
  /** Acknowledged comments, in the order of their responses. */
  readonly acknowledged: { post: string; id: string; text: string }[] = [];
  readonly unanswered = { likes: 0, comments: new Set<string>() };
  answered = 0;
  readonly #random: () => number;
  #going = true;
  #written = 0;

  constructor(api: Api, handle: string, random: () => number) {
    this.api = api;
    this.handle = handle;
    this.#random = random;
  }

  async writeTo(posts: string[]): Promise<void> {
    while (this.#going) {
      const post = posts[Math.floor(this.#random() * posts.length)];
      if (post === undefined) throw new Error("there is no post to write to");
      if (this.#random() < 0.4) await this.#comment(post);
      else await this.#toggle(post);
    }
  }

  stop(): void {
    this.#going = false;
  }

  async #toggle(post: string): Promise<void> {
    const before = this.likes.get(post) ?? { liked: false, mayBeOpposite: false };
    const liked = this.#random() < 0.7;
    const result = await this.#resultOf(() => (liked ? this.api.like(post) : this.api.unlike(post)));
    if (result) this.likes.set(post, { liked, mayBeOpposite: false });
    else {
      this.unanswered.likes += 1;
      this.likes.set(post, { liked, mayBeOpposite: before.mayBeOpposite || before.liked !== liked });
    }
  }

  async #comment(post: string): Promise<void> {
    this.#written += 1;
    const text = `${this.handle} ${this.#written}`;
    const comment = await this.#resultOf(() => this.api.comment(post, text));
    if (comment) this.acknowledged.push({ post, id: comment.id, text });
    else this.unanswered.comments.add(text);
  }

  /** Resolves with undefined if no response came, in which case it may have been written or not. Rethrows refusals. */
  async #resultOf<T>(request: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        const result = await request();
        this.answered += 1;
        return result;
      } catch (error) {
        if (error instanceof ResponseError) throw error;
        if (!wasNeverSent(error) || !this.#going) return undefined;
        await sleep(PAUSE);
      }
    }
  }
}

const wasNeverSent = (error: unknown): boolean =>
  error instanceof TypeError && (error.cause as { code?: unknown } | undefined)?.code === "ECONNREFUSED";

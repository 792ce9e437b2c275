/** One person who likes, unlikes and comments without pause, and remembers what was answered. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Api, Refused } from "../../scripts/api-client.ts";

/** What the server may hold of one person's like: after a request without an answer, either. */
export type Possible = { liked: boolean; mayBeOpposite: boolean };

/** How long to wait before another try while there is no server. */
const PAUSE = 100;

export class Writer {
  readonly api: Api;
  readonly handle: string;
  /** By post. */
  readonly likes = new Map<string, Possible>();
  /** Texts and the ids that were answered for them, in the order of the answers. */
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
    const answer = await this.#answerOf(() => (liked ? this.api.like(post) : this.api.unlike(post)));
    if (answer) this.likes.set(post, { liked, mayBeOpposite: false });
    else {
      this.unanswered.likes += 1;
      this.likes.set(post, { liked, mayBeOpposite: before.mayBeOpposite || before.liked !== liked });
    }
  }

  async #comment(post: string): Promise<void> {
    this.#written += 1;
    const text = `${this.handle} ${this.#written}`;
    const comment = await this.#answerOf(() => this.api.comment(post, text));
    if (comment) this.acknowledged.push({ post, id: comment.id, text });
    else this.unanswered.comments.add(text);
  }

  /** Undefined where no answer came, which says nothing about what was written. A refusal is a failure of the test. */
  async #answerOf<T>(request: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        const answer = await request();
        this.answered += 1;
        return answer;
      } catch (error) {
        if (error instanceof Refused) throw error;
        if (!wasNeverSent(error) || !this.#going) return undefined;
        await sleep(PAUSE);
      }
    }
  }
}

const wasNeverSent = (error: unknown): boolean =>
  error instanceof TypeError && (error.cause as { code?: unknown } | undefined)?.code === "ECONNREFUSED";

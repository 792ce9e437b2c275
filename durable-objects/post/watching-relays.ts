/**
 * The relays that hold sockets of those who watch a post. Each is told how the post stands and what has changed since it
 * was told last, at most four times a second and in one call. What it is told is read from storage at that time, so what
 * changed twice is told once; a call that fails is made again, and a call that comes twice changes nothing.
 *
 * Which relays there are is in storage, so whatever happens to this object they are told: when it is in memory again it
 * tells all of them, and a change that was committed has an alarm to bring it back. A relay that nobody watches the post
 * at any more says so when it is told, and is forgotten. A post without relays pays nothing.
 */
import { within } from "../../schema/d1/deadline.ts";
import { FRAME_DELAY } from "../../schema/live/live-limits.ts";
import { type RelayName, relayNamed } from "../../schema/live/live-relays.ts";
import { renewShards } from "../../schema/d1/shards.ts";
import type { CommentThreads } from "./comments/comment-threads.ts";
import type { PostRecord } from "./post-record.ts";
import type { RelayRow } from "./post-tables.ts";
import { type PostWindow, windowSince } from "./post-window.ts";

/** A relay answers when its sockets have their frames. */
const RELAY_ANSWERS_WITHIN = 5000; // ms
/** After the first call that failed; then 500, 1000... up to 10 s. */
const RETRY_DELAY = 250;
const RETRY_DELAY_MAX = 10_000;
/** When the alarm comes that brings this object back if it is gone while a call is to be made again. */
const BACK_AFTER = 60_000;
/** Who has not answered for this long is forgotten. Its sockets, if there are any, watch again when they reconnect. */
export const FAILING_MAX = 24 * 3_600_000;

type Sources = { record: PostRecord; comments: CommentThreads };
type Relay = {
  /** What it was told; undefined: not known. */
  seq: number | undefined;
  /** How often it has asked for the post, in this life of the object. */
  asked: number;
  isBeingTold: boolean;
  failures: number;
  retryAt: number;
  failingSince: number | null;
};

export class Relays {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #sources: Sources;
  readonly #relays = new Map<RelayName, Relay>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;
  #toldAt = 0;

  constructor(storage: DurableObjectStorage, env: Env, sources: Sources) {
    this.#storage = storage;
    this.#env = env;
    this.#sources = sources;
    for (const { relay, failing_since } of storage.sql.exec<RelayRow>("SELECT * FROM relays")) {
      this.#relays.set(relay, newRelay(undefined, failing_since));
    }
    this.changed();
  }

  /** A relay has somebody who watches the post, and wants to know what is above `since`. Writes a row if it is new here. */
  async watchedAt(name: RelayName, since: number | undefined): Promise<PostWindow> {
    const known = this.#relays.get(name);
    if (known) known.asked += 1;
    else {
      this.#storage.sql.exec("INSERT INTO relays (relay) VALUES (?) ON CONFLICT DO NOTHING", name);
      this.#relays.set(name, newRelay(this.#seq));
    }
    await renewShards(this.#env);
    return windowSince(this.#env, this.#sources, since);
  }

  /** Called with each change. */
  changed(): void {
    if (this.#relays.size > 0) this.#wakeAt(Math.max(Date.now(), this.#toldAt + FRAME_DELAY));
  }

  get #seq(): number {
    return this.#sources.record.row.seq;
  }

  #wakeAt(time: number): void {
    if (time >= this.#wakesAt) return;
    clearTimeout(this.#timer);
    this.#wakesAt = time;
    this.#timer = setTimeout(() => this.#tellAll(), Math.max(0, time - Date.now()));
  }

  /** None waits for another one. Those that were told the same are told the same again, and it is read once. */
  #tellAll(): void {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    const now = (this.#toldAt = Date.now());
    const windows = new Map<number | undefined, Promise<PostWindow>>();
    for (const [name, relay] of this.#relays) {
      if (relay.isBeingTold || relay.seq === this.#seq) continue;
      if (relay.retryAt > now) {
        this.#wakeAt(relay.retryAt);
        continue;
      }
      const window = windows.get(relay.seq) ?? this.#window(relay.seq);
      windows.set(relay.seq, window);
      void this.#tell(name, relay, window);
    }
  }

  async #window(since: number | undefined): Promise<PostWindow> {
    await renewShards(this.#env);
    return windowSince(this.#env, this.#sources, since);
  }

  async #tell(name: RelayName, relay: Relay, reading: Promise<PostWindow>): Promise<void> {
    const { asked } = relay;
    relay.isBeingTold = true;
    try {
      const window = await reading;
      const isWatched = await within(RELAY_ANSWERS_WITHIN, relayNamed(this.#env, name).changed(window), name);
      // One that has asked again in the meantime has somebody again.
      if (isWatched || relay.asked > asked) this.#reached(name, relay, window.to);
      else this.#forget(name);
    } catch (error) {
      console.warn("relay not told, will be again", { post: this.#sources.record.row.id, name, error: String(error) });
      await this.#failed(name, relay);
    } finally {
      relay.isBeingTold = false;
      if (this.#relays.has(name) && relay.seq !== this.#seq) {
        this.#wakeAt(Math.max(relay.retryAt, this.#toldAt + FRAME_DELAY));
      }
    }
  }

  #reached(name: RelayName, relay: Relay, seq: number): void {
    relay.seq = seq;
    relay.failures = relay.retryAt = 0;
    this.#noteFailing(name, relay, null);
  }

  async #failed(name: RelayName, relay: Relay): Promise<void> {
    const now = Date.now();
    relay.retryAt = now + Math.min(RETRY_DELAY * 2 ** relay.failures, RETRY_DELAY_MAX);
    relay.failures += 1;
    const since = relay.failingSince ?? now;
    if (now - since > FAILING_MAX) return this.#forget(name);
    this.#noteFailing(name, relay, since);
    if ((await this.#storage.getAlarm()) === null) await this.#storage.setAlarm(now + BACK_AFTER);
  }

  #noteFailing(name: RelayName, relay: Relay, since: number | null): void {
    if (relay.failingSince === since) return;
    relay.failingSince = since;
    this.#storage.sql.exec("UPDATE relays SET failing_since = ? WHERE relay = ?", since, name);
  }

  #forget(name: RelayName): void {
    this.#relays.delete(name);
    this.#storage.sql.exec("DELETE FROM relays WHERE relay = ?", name);
  }
}

const newRelay = (seq?: number, failingSince: number | null = null): Relay => ({
  seq,
  asked: 0,
  isBeingTold: false,
  failures: 0,
  retryAt: 0,
  failingSince,
});

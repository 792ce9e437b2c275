/**
 * The relays whose sockets watch a post. Each relay gets the post's standing and the changes since its last call, at
 * most four times a second and in one call. The changes are read from storage when the call is made, so a comment that
 * changed twice is sent once; a call that fails is repeated, and a repeated call changes nothing.
 *
 * The list of relays is in storage, so a relay gets its calls whatever happens to this object: an object that comes
 * back into memory calls all of them, and a committed change has an alarm that brings it back. A relay without watchers
 * returns false from its next call and is forgotten. A post without relays pays nothing.
 */
import { within } from "../../schema/d1/deadline.ts";
import { FRAME_DELAY } from "../../schema/live/live-limits.ts";
import { type RelayName, relayNamed } from "../../schema/live/live-relays.ts";
import { refreshShardMap } from "../../schema/d1/shards.ts";
import { logWarning } from "../../schema/log.ts";
import type { CommentThreads } from "./comments/comment-threads.ts";
import type { PostRecord } from "./post-record.ts";
import type { RelayRow } from "./post-tables.ts";
import { type PostWindow, windowSince } from "./post-window.ts";

/** A relay returns when its sockets have their frames. */
const RELAY_ANSWERS_WITHIN = 5000; // ms
/** The delay, in ms, after the first failed call; then 500, 1000... up to 10 s. */
const RETRY_DELAY = 250;
const RETRY_DELAY_MAX = 10_000;
/** The delay, in ms, of the alarm that brings this object back if it leaves memory before it could repeat a call. */
const BACK_AFTER = 60_000;
/** A relay that fails for this long, in ms, is forgotten. Its sockets, if any, watch again when they reconnect. */
export const FAILING_MAX = 24 * 3_600_000;

type Sources = { record: PostRecord; comments: CommentThreads };
type Relay = {
  /** The last `seq` that it has received; undefined when that is unknown. */
  seq: number | undefined;
  /** How often it has asked for the post since this object came into memory. */
  asked: number;
  isCallInFlight: boolean;
  failures: number;
  retryAt: number;
  failingSince: number | null;
};

export class WatchingRelays {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #sources: Sources;
  readonly #relays = new Map<RelayName, Relay>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;
  #lastSentAt = 0;

  constructor(storage: DurableObjectStorage, env: Env, sources: Sources) {
    this.#storage = storage;
    this.#env = env;
    this.#sources = sources;
    for (const { relay, failing_since } of storage.sql.exec<RelayRow>("SELECT * FROM relays")) {
      this.#relays.set(relay, newRelay(undefined, failing_since));
    }
    this.changed();
  }

  /** Registers a relay that has a watcher, and returns the changes above `since`. Writes a row for a new relay. */
  async watchedAt(name: RelayName, since: number | undefined): Promise<PostWindow> {
    const known = this.#relays.get(name);
    if (known) known.asked += 1;
    else {
      this.#storage.sql.exec("INSERT INTO relays (relay) VALUES (?) ON CONFLICT DO NOTHING", name);
      this.#relays.set(name, newRelay(this.#seq));
    }
    await refreshShardMap(this.#env);
    return windowSince(this.#env, this.#sources, since);
  }

  /** Must be called with each change. */
  changed(): void {
    if (this.#relays.size > 0) this.#wakeAt(Math.max(Date.now(), this.#lastSentAt + FRAME_DELAY));
  }

  get #seq(): number {
    return this.#sources.record.row.seq;
  }

  #wakeAt(time: number): void {
    if (time >= this.#wakesAt) return;
    clearTimeout(this.#timer);
    this.#wakesAt = time;
    this.#timer = setTimeout(() => this.#sendAll(), Math.max(0, time - Date.now()));
  }

  /** Calls every relay that is behind, each independently. Relays at the same `seq` share one window, read once. */
  #sendAll(): void {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    const now = (this.#lastSentAt = Date.now());
    const windows = new Map<number | undefined, Promise<PostWindow>>();
    for (const [name, relay] of this.#relays) {
      if (relay.isCallInFlight || relay.seq === this.#seq) continue;
      if (relay.retryAt > now) {
        this.#wakeAt(relay.retryAt);
        continue;
      }
      const window = windows.get(relay.seq) ?? this.#window(relay.seq);
      windows.set(relay.seq, window);
      void this.#send(name, relay, window);
    }
  }

  async #window(since: number | undefined): Promise<PostWindow> {
    await refreshShardMap(this.#env);
    return windowSince(this.#env, this.#sources, since);
  }

  async #send(name: RelayName, relay: Relay, reading: Promise<PostWindow>): Promise<void> {
    const { asked } = relay;
    relay.isCallInFlight = true;
    try {
      const window = await reading;
      const isWatched = await within(RELAY_ANSWERS_WITHIN, relayNamed(this.#env, name).changed(window), name);
      // A relay that has asked again during the call has a watcher again.
      if (isWatched || relay.asked > asked) this.#succeeded(name, relay, window.to);
      else this.#forget(name);
    } catch (error) {
      logWarning("relay not notified, will retry", { post: this.#sources.record.row.id, name, error: String(error) });
      await this.#failed(name, relay);
    } finally {
      relay.isCallInFlight = false;
      if (this.#relays.has(name) && relay.seq !== this.#seq) {
        this.#wakeAt(Math.max(relay.retryAt, this.#lastSentAt + FRAME_DELAY));
      }
    }
  }

  #succeeded(name: RelayName, relay: Relay, seq: number): void {
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
  isCallInFlight: false,
  failures: 0,
  retryAt: 0,
  failingSince,
});

/**
 * A post that sockets of this relay watch. Brings each socket up to the present `seq` of the post. Sockets that are at
 * the same `seq` and may see the same get the same bytes. The last window from the post's actor serves most of them;
 * for sockets that are further behind, the relay asks the actor, once for all of them.
 */
import { blocksBetween } from "../../schema/d1/blocks.ts";
import { within } from "../../schema/d1/deadline.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { FRAME_DELAY } from "../../schema/live/live-limits.ts";
import type { RelayName } from "../../schema/live/live-relays.ts";
import { followersAmong, type Seclusion, seclusionOf } from "../../schema/d1/private-accounts.ts";
import { type Blocked, frameOf, hiddenWriters, lastFrame, mayWatch, peopleConcerned } from "./live-frames.ts";
import type { PostWindow } from "../post/post-window.ts";
import { isUnchecked } from "./session-checks.ts";
import type { LiveSocket, LiveSockets } from "./sockets.ts";
import { sleep } from "./sleep.ts";

const ACTOR_ANSWERS_WITHIN = 5000; // ms

export class WatchedPost {
  readonly #id: PostId;
  readonly #relay: RelayName;
  readonly #env: Env;
  readonly #sockets: LiveSockets;
  readonly #checkSessions: (sockets: Iterable<LiveSocket>) => Promise<void>;
  /** The last window from the actor; undefined while the actor may not know of this relay. */
  #window: PostWindow | undefined;
  /** The sockets that need a frame or must be re-authorized. */
  readonly #queued: Set<LiveSocket>;
  #round: Promise<void> | undefined;
  /** Whether the author is private or barred, as it was last read; undefined until then. */
  #author: Seclusion | undefined;

  /** `checkSessions` closes the sockets whose session is over. */
  constructor(
    id: PostId,
    relay: RelayName,
    env: Env,
    sockets: LiveSockets,
    checkSessions: (sockets: Iterable<LiveSocket>) => Promise<void>,
  ) {
    this.#id = id;
    this.#relay = relay;
    this.#env = env;
    this.#sockets = sockets;
    this.#checkSessions = checkSessions;
    this.#queued = new Set(sockets.watchers(id));
  }

  /** Takes a window from the actor. One that comes late or twice changes nothing. */
  receive(window: PostWindow): void {
    const { seq } = window.standing;
    const known = this.#window?.standing.seq ?? -1;
    if (seq < known) return;
    this.#window = window;
    if (seq === known) return;
    for (const socket of this.#sockets.watchers(this.#id)) if (this.#seqOf(socket) < seq) this.enqueue(socket);
  }

  /** Queues a socket that is new or must be re-authorized. */
  enqueue(socket: LiveSocket): void {
    this.#queued.add(socket);
  }

  /** Resolves when every queued socket is up to date. Rejects when D1 or the actor fails; the caller must retry. */
  async serve(): Promise<void> {
    while (this.#queued.size > 0) {
      this.#round ??= this.#serveOnce().finally(() => {
        this.#round = undefined;
      });
      await this.#round;
    }
  }

  /** Costs one D1 query a database and 1,000 signed-in viewers without a recent session check; else nothing. */
  async #serveOnce(): Promise<void> {
    const queued = [...this.#queued];
    const dueAt = (socket: LiveSocket) => (socket.watching.get(this.#id)?.sentAt ?? 0) + FRAME_DELAY;
    const first = queued.reduce((time, socket) => Math.min(time, dueAt(socket)), Number.POSITIVE_INFINITY);
    const wait = first - Date.now();
    if (wait > 0) await sleep(wait);
    const now = Date.now();
    const due = queued.filter((socket) => dueAt(socket) <= now);
    await this.#checkSessions(due);

    let left = due.filter((socket) => this.#isWatching(socket));
    while (left.length > 0) {
      const lowest = left.reduce((seq, socket) => Math.min(seq, this.#seqOf(socket)), Number.POSITIVE_INFINITY);
      const isKnown = this.#window !== undefined && isCovered(this.#window, lowest);
      const window = isKnown ? this.#window : await this.#fetchWindow(lowest);
      if (!window) return this.#endAll();
      // A socket that claims a higher `seq` than the actor has just reported is treated as up to date.
      const { seq } = window.standing;
      const isServed = (at: number) => isCovered(window, at) || (!isKnown && at > seq);
      const served = left.filter((socket) => isServed(this.#seqOf(socket)));
      left = left.filter((socket) => !isServed(this.#seqOf(socket)));
      await this.#sendAll(served, window);
    }
  }

  /**
   * Asks the actor for the changes after `seq`, or for the standing alone if `seq` is infinite. Returns undefined if
   * there is no such post. Costs one actor call.
   */
  async #fetchWindow(seq: number): Promise<PostWindow | undefined> {
    const since = Number.isFinite(seq) ? seq : undefined;
    const ask = async () => this.#env.POSTS.getByName(this.#id).watchedAt(this.#relay, since);
    const result = await within(ACTOR_ANSWERS_WITHIN, ask(), "the post's actor");
    if (!result.ok) return undefined;
    this.receive(result.window);
    return result.window;
  }

  /**
   * Costs one D1 query that reads whether the author is private, one a database if some viewer has blocks, and one more a
   * database if the author is private. All read the primary after the window has come, because the changes in the window
   * may be newer than any replica.
   */
  async #sendAll(sockets: LiveSocket[], window: PostWindow): Promise<void> {
    const before = new Map(sockets.map((socket) => [socket, socket.watching.get(this.#id)]));
    const withBlocks = sockets.flatMap(({ hasBlocks, viewer: { person } }) => (hasBlocks && person ? [person] : []));
    const viewers = sockets.flatMap(({ viewer: { person } }) => person ?? []);
    const [blocks, followers] = await Promise.all([
      this.#blocks(withBlocks, window),
      this.#acceptedFollowers(viewers, window),
    ]);
    const frames = new Map<string, string>();
    const writers = hiddenWriters(window);
    for (const socket of sockets) {
      const watching = socket.watching.get(this.#id);
      if (!this.#isWatching(socket) || !watching) continue;
      // Changes that came while the blocks were read take effect in the next round.
      if (watching !== before.get(socket) || isUnchecked(socket)) continue;
      const { person } = socket.viewer;
      const blocked = (person && blocks.get(person)) ?? NOBODY;
      const { isModerator } = socket;
      if (!mayWatch(window, person, blocked, followers, { isBarred: this.#author?.isBarred ?? false, isModerator })) {
        this.#end(socket);
        continue;
      }
      const since = Math.min(watching.seq ?? window.to, window.to);
      if (watching.isNew || since < window.to) {
        const isOwn = blocked.size > 0 || (person !== undefined && writers.has(person));
        const key = `${since} ${person === window.author} ${isOwn ? person : ""}`; // Without blocks, a moderator sees what others see.
        const frame = frames.get(key) ?? JSON.stringify(frameOf(window, since, person, blocked, isModerator));
        frames.set(key, frame);
        if (!socket.send(frame)) this.#sockets.remove(socket);
        socket.watching.set(this.#id, { seq: window.to, isNew: false, sentAt: Date.now() });
        socket.persist();
      }
      if (this.#seqOf(socket) >= (this.#window?.standing.seq ?? 0)) this.#queued.delete(socket);
    }
  }

  async #blocks(people: PersonId[], window: PostWindow): Promise<Map<PersonId, Blocked>> {
    if (people.length === 0) return new Map();
    return blocksBetween(this.#env, people, peopleConcerned(window));
  }

  /** Returns the accepted followers of a private author among `viewers`; undefined if the author is public. */
  async #acceptedFollowers(viewers: PersonId[], { author }: PostWindow): Promise<Set<PersonId> | undefined> {
    if (!(await this.#isAuthorPrivate(author))) return undefined;
    return followersAmong(this.#env, author, viewers);
  }

  /** The last value serves while D1 fails: nobody can become private then either. */
  async #isAuthorPrivate(author: PersonId): Promise<boolean> {
    try {
      this.#author = await seclusionOf(this.#env, author);
    } catch (error) {
      if (this.#author === undefined) throw error;
    }
    return this.#author.isPrivate;
  }

  /** Whether the socket still watches the post. Removes it from the queue if it does not. */
  #isWatching(socket: LiveSocket): boolean {
    const isWatching = this.#sockets.watchers(this.#id).has(socket);
    if (!isWatching) this.#queued.delete(socket);
    return isWatching;
  }

  #endAll(): void {
    for (const socket of this.#sockets.watchers(this.#id)) this.#end(socket);
  }

  #end(socket: LiveSocket): void {
    const since = socket.watching.get(this.#id)?.seq ?? this.#window?.standing.seq ?? 0;
    this.#sockets.unwatch(socket, this.#id);
    this.#queued.delete(socket);
    if (!socket.send(lastFrame(this.#id, since))) this.#sockets.remove(socket);
    socket.persist();
  }

  /** Infinite for a socket without a `seq`, which starts at the present standing. */
  #seqOf(socket: LiveSocket): number {
    return socket.watching.get(this.#id)?.seq ?? Number.POSITIVE_INFINITY;
  }
}

const NOBODY: Blocked = new Set();

/** Whether the window can serve a socket at `seq`. With `reread` it serves only sockets that are exactly at `from`. */
function isCovered({ from, to, standing, reread }: PostWindow, seq: number): boolean {
  const isWhole = to === standing.seq;
  if (seq > standing.seq) return isWhole && seq === Number.POSITIVE_INFINITY;
  return reread ? seq === from : from <= seq && (seq < to || isWhole);
}

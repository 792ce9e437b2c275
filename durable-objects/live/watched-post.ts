/**
 * A post that somebody looks at through a relay: brings each of its sockets to where the post stands. Who stands at the
 * same `seq` and sees the same gets the same bytes. What the post's actor has told last serves most; for who is further
 * back the actor is asked, once for all of them.
 */
import { blocksBetween } from "../../schema/d1/blocks.ts";
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { FRAME_DELAY } from "../../schema/live/live-limits.ts";
import type { RelayName } from "../../schema/live/live-relays.ts";
import { followersAmong, isPrivate } from "../../schema/d1/private-accounts.ts";
import { type Blocked, frameOf, lastFrame, mayWatch, peopleConcerned } from "./live-frames.ts";
import type { PostWindow } from "../post/post-window.ts";
import { isDoubtful } from "./session-checks.ts";
import type { Seat, Seats } from "./sockets.ts";
import { sleep } from "./sleep.ts";

const ACTOR_ANSWERS_WITHIN = 5000; // ms
/** Whoever becomes private is answered only after that: workers/reads/private-accounts.ts. */
const PRIVACY_LASTS = 1000; // ms

export class WatchedPost {
  readonly #id: PostId;
  readonly #relay: RelayName;
  readonly #env: Env;
  readonly #seats: Seats;
  readonly #review: (seats: Iterable<Seat>) => Promise<void>;
  /** What was told last; undefined while the actor may not know of this relay. */
  #window: PostWindow | undefined;
  /** Those who are to be sent something, or are to be looked at again. */
  readonly #expecting: Set<Seat>;
  #round: Promise<void> | undefined;
  /** Whether the author is private, and when that was asked; undefined until then. */
  #privacy: { isPrivate: boolean; at: number } | undefined;

  /** `review` closes the sockets whose session is over. */
  constructor(id: PostId, relay: RelayName, env: Env, seats: Seats, review: (seats: Iterable<Seat>) => Promise<void>) {
    this.#id = id;
    this.#relay = relay;
    this.#env = env;
    this.#seats = seats;
    this.#review = review;
    this.#expecting = new Set(seats.watchers(id));
  }

  /** From the actor. What comes late or twice says nothing new. */
  learn(window: PostWindow): void {
    const { seq } = window.standing;
    const known = this.#window?.standing.seq ?? -1;
    if (seq < known) return;
    this.#window = window;
    if (seq === known) return;
    for (const seat of this.#seats.watchers(this.#id)) if (this.#seqOf(seat) < seq) this.expect(seat);
  }

  /** One who watches anew, or of whom it is to be decided again whether they may. */
  expect(seat: Seat): void {
    this.#expecting.add(seat);
  }

  /** Resolves when everybody has been sent everything. Rejects when D1 or the actor fails: then it is to be called again. */
  async serve(): Promise<void> {
    while (this.#expecting.size > 0) {
      this.#round ??= this.#serveOnce().finally(() => {
        this.#round = undefined;
      });
      await this.#round;
    }
  }

  /** Costs one D1 query a database and 1,000 viewers who were not reviewed lately; nothing for who is not signed in. */
  async #serveOnce(): Promise<void> {
    const expecting = [...this.#expecting];
    const dueAt = (seat: Seat) => (seat.watching.get(this.#id)?.sentAt ?? 0) + FRAME_DELAY;
    const first = expecting.reduce((time, seat) => Math.min(time, dueAt(seat)), Number.POSITIVE_INFINITY);
    const wait = first - Date.now();
    if (wait > 0) await sleep(wait);
    const now = Date.now();
    const due = expecting.filter((seat) => dueAt(seat) <= now);
    await this.#review(due);

    let left = due.filter((seat) => this.#stays(seat));
    while (left.length > 0) {
      const lowest = left.reduce((seq, seat) => Math.min(seq, this.#seqOf(seat)), Number.POSITIVE_INFINITY);
      const isKnown = this.#window !== undefined && isCovered(this.#window, lowest);
      const window = isKnown ? this.#window : await this.#ask(lowest);
      if (!window) return this.#endAll();
      // Who claims to know more than there is, as the actor has just said, stands where the post does.
      const { seq } = window.standing;
      const isServed = (at: number) => isCovered(window, at) || (!isKnown && at > seq);
      const served = left.filter((seat) => isServed(this.#seqOf(seat)));
      left = left.filter((seat) => !isServed(this.#seqOf(seat)));
      await this.#sendAll(served, window);
    }
  }

  /** What comes after `seq`, or where the post stands if that is infinite; undefined without a post. One actor call. */
  async #ask(seq: number): Promise<PostWindow | undefined> {
    const since = Number.isFinite(seq) ? seq : undefined;
    const ask = async () => this.#env.POSTS.getByName(this.#id).watchedAt(this.#relay, since);
    const answer = await within(ACTOR_ANSWERS_WITHIN, ask(), "the post's actor");
    if (!answer.ok) return undefined;
    this.learn(answer.window);
    return answer.window;
  }

  /**
   * One D1 query a database when somebody has blocks, the same when the author is private, and one in a second for whether
   * they are.
   */
  async #sendAll(seats: Seat[], window: PostWindow): Promise<void> {
    const before = new Map(seats.map((seat) => [seat, seat.watching.get(this.#id)]));
    const withBlocks = seats.flatMap(({ hasBlocks, guest: { person } }) => (hasBlocks && person ? [person] : []));
    const viewers = seats.flatMap(({ guest: { person } }) => person ?? []);
    const [blocks, readers] = await Promise.all([this.#blocks(withBlocks, window), this.#readers(viewers, window)]);
    const frames = new Map<string, string>();
    for (const seat of seats) {
      const watching = seat.watching.get(this.#id);
      if (!this.#stays(seat) || !watching) continue;
      // What has happened while the blocks were asked for counts in the next round.
      if (watching !== before.get(seat) || isDoubtful(seat)) continue;
      const { person } = seat.guest;
      const blocked = (person && blocks.get(person)) ?? NOBODY;
      if (!mayWatch(window, person, blocked, readers)) {
        this.#end(seat);
        continue;
      }
      const since = Math.min(watching.seq ?? window.to, window.to);
      if (watching.isNew || since < window.to) {
        const key = `${since} ${person === window.author} ${blocked.size > 0 ? person : ""}`;
        const frame = frames.get(key) ?? JSON.stringify(frameOf(window, since, person, blocked));
        frames.set(key, frame);
        if (!seat.send(frame)) this.#seats.leave(seat);
        seat.watching.set(this.#id, { seq: window.to, isNew: false, sentAt: Date.now() });
        seat.keep();
      }
      if (this.#seqOf(seat) >= (this.#window?.standing.seq ?? 0)) this.#expecting.delete(seat);
    }
  }

  async #blocks(people: PersonId[], window: PostWindow): Promise<Map<PersonId, Blocked>> {
    if (people.length === 0) return new Map();
    return within(STORE_ANSWERS_WITHIN, blocksBetween(this.#env, people, peopleConcerned(window)), "D1");
  }

  /** Of a private author: those of `viewers` whom they have accepted. Undefined of a public one. */
  async #readers(viewers: PersonId[], { author }: PostWindow): Promise<Set<PersonId> | undefined> {
    if (!(await this.#isByPrivate(author))) return undefined;
    return within(STORE_ANSWERS_WITHIN, followersAmong(this.#env, author, viewers), "D1");
  }

  /** While D1 does not say, nobody can have become private either. */
  async #isByPrivate(author: PersonId): Promise<boolean> {
    const at = Date.now();
    if (this.#privacy && at - this.#privacy.at < PRIVACY_LASTS) return this.#privacy.isPrivate;
    try {
      const found = await within(STORE_ANSWERS_WITHIN, isPrivate(this.#env, author), "D1");
      this.#privacy = { isPrivate: found, at };
      return found;
    } catch (error) {
      if (!this.#privacy) throw error;
      return this.#privacy.isPrivate;
    }
  }

  /** Whether it still watches. Whoever does not expects nothing. */
  #stays(seat: Seat): boolean {
    const stays = this.#seats.watchers(this.#id).has(seat);
    if (!stays) this.#expecting.delete(seat);
    return stays;
  }

  #endAll(): void {
    for (const seat of this.#seats.watchers(this.#id)) this.#end(seat);
  }

  #end(seat: Seat): void {
    const since = seat.watching.get(this.#id)?.seq ?? this.#window?.standing.seq ?? 0;
    this.#seats.unwatch(seat, this.#id);
    this.#expecting.delete(seat);
    if (!seat.send(lastFrame(this.#id, since))) this.#seats.leave(seat);
    seat.keep();
  }

  /** Infinite: it begins where the post stands. */
  #seqOf(seat: Seat): number {
    return seat.watching.get(this.#id)?.seq ?? Number.POSITIVE_INFINITY;
  }
}

const NOBODY: Blocked = new Set();

/** What was left out of a window because it was too much begins where the window does. */
function isCovered({ from, to, standing, reread }: PostWindow, seq: number): boolean {
  const isWhole = to === standing.seq;
  if (seq > standing.seq) return isWhole && seq === Number.POSITIVE_INFINITY;
  return reread ? seq === from : from <= seq && (seq < to || isWhole);
}

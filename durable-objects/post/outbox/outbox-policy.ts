/**
 * Decides what a post's outbox sends and when. A state machine without input or output: the outbox tells it what has
 * happened and at what time, in ms since 1970, and does what it says.
 *
 * - **Pending.** Something is pending until all changes and notices are confirmed and the post is delivered. While
 *   something is pending, a wake-up is set.
 * - **Once.** Nothing is sent that is confirmed or under way.
 * - **Handed out.** A change that comes FLUSH_DELAY (200 ms) or more after the last message may be handed to its caller,
 *   who projects it, unless messages are being lost or refused, or the queue had one within QUEUE_TIME: the change would
 *   overtake it, and D1 notes only what follows without a gap. So may the fan-out of a new post, together with it.
 * - **Together.** Any other change is sent FLUSH_DELAY after it was made, with all changes made by then. What is too
 *   much for one flush follows 200 ms later or, while messages are being lost or refused, after their delay.
 * - **Lost.** Facts, notices and the fan-out have a deadline each: RETRY_DELAY (10 s) after the first of what is under
 *   way was sent, or after the last confirmation of the kind. Then what is unconfirmed of it counts as lost and is sent
 *   again.
 * - **Back-off.** Each loss doubles the delay of its kind, up to RETRY_DELAY_MAX (5 minutes), until something of the kind
 *   is confirmed. Each send that the queue refuses doubles the delay of every kind, until anything is confirmed. A
 *   confirmation leaves the wake-up as it is, so the first wait after it may still be the old one.
 * - **Apart.** Notices that were lost are sent again without facts and one message at a time, until one is confirmed: they
 *   may be the reason for the loss.
 * - **Notices.** The first change sends notices at once; then they wait until NOTICE_WINDOW (10 s) after the last
 *   message that had any. Lost notices do not wait, and neither do those of a deletion.
 */
import type { PostRow } from "../post-tables.ts";
import { retryDelay, Sending } from "./sending.ts";

/** Changes within this many milliseconds share a message. */
export const FLUSH_DELAY = 200;
/** In ms. A message in the queue has usually arrived after this long: the batch waits for 1 s. */
export const QUEUE_TIME = 2000;
/** In ms. A post that a million people like rewrites its author's notification ten thousand times a day at most. */
export const NOTICE_WINDOW = 10_000;

/** What has changed and how much of it is confirmed. */
export type Progress = Pick<PostRow, "seq" | "confirmed" | "noticed" | "delivered">;

/** What a message goes through to the projector. */
export type Carrier = "queue" | "caller";

/** Where the next message begins: after which `seq` its facts, and its notices, which are undefined if they must wait. */
export type NextMessage = { factsAfter: number; noticesAfter: number | undefined };

/** The notices of all changes up to `to`. */
export type NoticesTo = { to: number; list: readonly unknown[] };

export class OutboxPolicy {
  readonly #progress: Readonly<Progress>;
  readonly #facts: Sending;
  readonly #notices: Sending;
  /** Sent and arrived are 1 or 0. */
  readonly #fanOut: Sending;
  #noticesSentAt = 0;
  #factsSentAt = 0;
  /** When facts were put into the queue last. */
  #queuedAt = 0;
  /** Decided once for all messages of a flush: the notices of one moment may need several. */
  #mayNotify = false;
  /** Sends that a queue has refused since the last confirmation. */
  #refusals = 0;
  #wakesAt = Number.POSITIVE_INFINITY;

  /** `progress` is the actor's own: it is only read here, and always at its present state. */
  constructor(progress: Readonly<Progress>) {
    this.#progress = progress;
    this.#facts = new Sending(() => progress.confirmed);
    this.#notices = new Sending(() => progress.noticed);
    this.#fanOut = new Sending(() => progress.delivered);
  }

  get isPending(): boolean {
    const { confirmed, noticed, seq, delivered } = this.#progress;
    return confirmed < seq || noticed < seq || !delivered;
  }

  /** Notes a change. Returns when to wake; undefined if that is already set early enough. */
  changed(now: number): number | undefined {
    return this.#wakeAt(now + FLUSH_DELAY);
  }

  /** Lets the next notices go without waiting for NOTICE_WINDOW. */
  hurry(): void {
    this.#noticesSentAt = 0;
  }

  /** Treats all facts and notices that are unconfirmed as not sent. Returns when to wake, as `changed` does. */
  restart(now: number): number | undefined {
    this.#facts.restart();
    this.#notices.restart();
    this.#refusals = 0;
    return this.changed(now);
  }

  /** Notes that more of the facts or notices has arrived. */
  arrived(now: number): void {
    this.#refusals = 0;
    this.#facts.advance(now);
    this.#notices.advance(now);
  }

  /** Notes that fan-out has confirmed something: all of it, or that it goes on. */
  delivered(now: number): void {
    this.#refusals = 0;
    this.#fanOut.renew(now);
  }

  /** Begins a flush: the outbox then sends `nextMessage` until there is none, and the fan-out if it is due. */
  wake(now: number): void {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    this.#facts.expire(now);
    this.#fanOut.expire(now);
    if (this.#notices.expire(now)) this.hurry();
    this.#mayNotify = now >= this.#noticesDue && !this.#isProbing;
  }

  /**
   * Whether a message may be handed to the caller of a command. If so, begins that: the outbox hands out `nextMessage`
   * if it is whole, and then calls `finish`.
   */
  mayHandOut(now: number): boolean {
    if (this.#isFailing || now < this.#factsSentAt + FLUSH_DELAY) return false;
    if (now < this.#queuedAt + QUEUE_TIME) return false;
    this.#mayNotify = now >= this.#noticesDue;
    return true;
  }

  /** The message to send now; undefined if nothing is left. */
  get nextMessage(): NextMessage | undefined {
    const { seq } = this.#progress;
    const factsAfter = this.#facts.sent;
    const noticesAfter = this.#mayNotify ? this.#notices.sent : undefined;
    const areFactsLeft = factsAfter < seq;
    if (!areFactsLeft && (noticesAfter ?? seq) >= seq) return undefined;
    return { factsAfter, noticesAfter: areFactsLeft && this.#areNoticesLost ? undefined : noticesAfter };
  }

  /**
   * Returns whether only changes without notices are left, which need no message of their own: the outbox counts them
   * as noticed. While earlier notices may be lost it must not, because `noticed` would cover those too.
   */
  isNothingToSend({ list }: NoticesTo): boolean {
    return list.length === 0 && this.#facts.sent === this.#progress.seq && !this.#notices.isUnderWay;
  }

  /** Notes that everything up to `to` counts as noticed, without a message. */
  skippedNotices(to: number): void {
    this.#notices.skip(to);
  }

  /** Notes that `carrier` has taken the facts up to `to`, and the notices if there are any. */
  sentFacts(carrier: Carrier, to: number, notices: NoticesTo | undefined, now: number): void {
    this.#factsSentAt = now;
    if (carrier === "queue" && to > this.#facts.sent) this.#queuedAt = now;
    this.#facts.send(to, now, this.#refusals);
    if (notices) this.#notices.send(notices.to, now, this.#refusals);
    if (notices && notices.list.length > 0) this.#noticesSentAt = now;
    if (this.#isProbing) this.#mayNotify = false;
  }

  get isFanOutDue(): boolean {
    return !this.#progress.delivered && !this.#fanOut.isUnderWay;
  }

  /** Notes that the queue has accepted the fan-out. */
  sentFanOut(now: number): void {
    this.#fanOut.send(1, now, this.#refusals);
  }

  /** Notes that a queue has refused a message, or has not answered in time. */
  failed(): void {
    this.#refusals += 1;
  }

  /** Ends a flush. Returns when to wake; undefined if nothing is pending or that is already set early enough. */
  finish(now: number): number | undefined {
    return this.isPending ? this.#wakeAt(this.#nextFlush(now)) : undefined;
  }

  /** Ends a hand-out in the same way: the flush that the change has asked for is needed no more. */
  handedOut(now: number): number | undefined {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    return this.finish(now);
  }

  #nextFlush(now: number): number {
    const deadlines = this.#kinds.map(({ deadline }) => deadline ?? Number.POSITIVE_INFINITY);
    const next = Math.min(...deadlines);
    const retry = Number.isFinite(next) ? next : now + retryDelay(this.#refusals);
    if (this.#isFailing) return retry;
    const { seq } = this.#progress;
    if (this.#facts.sent < seq) return now + FLUSH_DELAY;
    return this.#notices.sent < seq ? Math.min(retry, Math.max(this.#noticesDue, now + FLUSH_DELAY)) : retry;
  }

  get #kinds(): readonly Sending[] {
    return [this.#facts, this.#notices, this.#fanOut];
  }

  get #noticesDue(): number {
    return this.#noticesSentAt + NOTICE_WINDOW;
  }

  /** Whether messages are being lost or refused. */
  get #isFailing(): boolean {
    return this.#refusals > 0 || this.#kinds.some(({ losses }) => losses > 0);
  }

  get #areNoticesLost(): boolean {
    return this.#notices.losses > 0;
  }

  /** Whether one message of lost notices is under way, to find out whether they succeed now. */
  get #isProbing(): boolean {
    return this.#areNoticesLost && this.#notices.isUnderWay;
  }

  #wakeAt(time: number): number | undefined {
    if (time >= this.#wakesAt) return undefined;
    this.#wakesAt = time;
    return time;
  }
}

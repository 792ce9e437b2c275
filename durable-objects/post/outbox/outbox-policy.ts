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
 * - **Lost.** Messages under way share one deadline: RETRY_DELAY (10 s) after the first of them was sent, or after the
 *   last confirmation (for the fan-out, only after one of its own). Then everything unconfirmed counts as lost and is
 *   sent again.
 * - **Back-off.** Each loss, and each send that the queue refuses, doubles the delay, up to RETRY_DELAY_MAX (5 minutes).
 *   A confirmation sets it back to 10 s, unless something that was lost is still unconfirmed: messages that never succeed
 *   would otherwise come back every 10 s for as long as others succeed. It leaves the wake-up as it is, so the first wait
 *   after it may still be the old one.
 * - **Apart.** Notices that were lost are sent again without facts and one message at a time, until one is confirmed: they
 *   may be the reason for the loss.
 * - **Notices.** The first change sends notices at once; then they wait until NOTICE_WINDOW (10 s) after the last
 *   message that had any. Lost notices do not wait, and neither do those of a deletion.
 */
import type { PostRow } from "../post-tables.ts";

/** Changes within this many milliseconds share a message. */
export const FLUSH_DELAY = 200;
/** In ms. A message in the queue has usually arrived after this long: the batch waits for 1 s. */
export const QUEUE_TIME = 2000;
/** In ms. A post that a million people like rewrites its author's notification ten thousand times a day at most. */
export const NOTICE_WINDOW = 10_000;
/** Unconfirmed changes are sent again after 10 s, then 20, 40... up to 5 minutes. */
export const RETRY_DELAY = 10_000;
export const RETRY_DELAY_MAX = 300_000;

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
  /** The last `seq` sent. */
  #sent: number;
  /** The last `seq` sent as notices. */
  #noticesSent: number;
  #noticesSentAt = 0;
  #factsSentAt = 0;
  /** When facts were put into the queue last. */
  #queuedAt = 0;
  /** Decided once for all messages of a flush: the notices of one moment may need several. */
  #mayNotify = false;
  #fanOutSent = false;
  /** When the messages under way count as lost; undefined while there are none. */
  #deadline: number | undefined;
  /** Losses and refused sends since the last confirmation that left nothing lost. */
  #attempts = 0;
  /** What was lost and has not advanced since: where it was confirmed up to, and whether it is the fan-out. */
  #lost: { confirmed?: number; noticed?: number; fanOut?: true } = {};
  #wakesAt = Number.POSITIVE_INFINITY;

  /** `progress` is the actor's own: it is only read here, and always at its present state. */
  constructor(progress: Readonly<Progress>) {
    this.#progress = progress;
    this.#sent = progress.confirmed;
    this.#noticesSent = progress.noticed;
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

  /** Treats everything unconfirmed as not sent. Returns when to wake, as `changed` does. */
  restart(now: number): number | undefined {
    this.#sent = this.#progress.confirmed;
    this.#noticesSent = this.#progress.noticed;
    this.#attempts = 0;
    this.#lost = {};
    this.#deadline = undefined;
    return this.changed(now);
  }

  /**
   * Notes that more of the facts and notices has arrived. If nothing that was lost is left, what is still under way gets
   * its full time again.
   */
  arrived(now: number): void {
    const { confirmed, noticed } = this.#progress;
    const { confirmed: lostAfter = -1, noticed: noticesLostAfter = -1 } = this.#lost;
    if (confirmed > lostAfter) delete this.#lost.confirmed;
    if (noticed > noticesLostAfter) delete this.#lost.noticed;
    this.#sent = Math.max(this.#sent, confirmed);
    this.#noticesSent = Math.max(this.#noticesSent, noticed);
    const areChangesUnderWay = this.#sent > confirmed || this.#noticesSent > noticed;
    if (!areChangesUnderWay && !this.#isFanOutUnderWay) this.#deadline = undefined;
    if (this.#isAnythingLost) return;
    this.#attempts = 0;
    if (areChangesUnderWay) this.#deadline = now + RETRY_DELAY;
  }

  /** Notes that fan-out has confirmed something, in the same way. */
  delivered(now: number): void {
    delete this.#lost.fanOut;
    if (!this.#isUnderWay) this.#deadline = undefined;
    if (this.#isAnythingLost) return;
    this.#attempts = 0;
    if (this.#isUnderWay) this.#deadline = now + RETRY_DELAY;
  }

  /** Begins a flush: the outbox then sends `nextMessage` until there is none, and the fan-out if it is due. */
  wake(now: number): void {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    if (this.#deadline !== undefined && now >= this.#deadline) this.#countAllAsLost();
    this.#mayNotify = now >= this.#noticesDue && !this.#isProbing;
  }

  /**
   * Whether a message may be handed to the caller of a command. If so, begins that: the outbox hands out `nextMessage`
   * if it is whole, and then calls `finish`.
   */
  mayHandOut(now: number): boolean {
    if (this.#attempts > 0 || now < this.#factsSentAt + FLUSH_DELAY) return false;
    if (now < this.#queuedAt + QUEUE_TIME) return false;
    this.#mayNotify = now >= this.#noticesDue;
    return true;
  }

  /** The message to send now; undefined if nothing is left. */
  get nextMessage(): NextMessage | undefined {
    const { seq } = this.#progress;
    const isNoticeLeft = this.#mayNotify && this.#noticesSent < seq;
    if (this.#sent >= seq && !isNoticeLeft) return undefined;
    if (this.#sent < seq && this.#areNoticesLost) return { factsAfter: this.#sent, noticesAfter: undefined };
    return { factsAfter: this.#sent, noticesAfter: this.#mayNotify ? this.#noticesSent : undefined };
  }

  /**
   * Returns whether only changes without notices are left, which need no message of their own: the outbox counts them
   * as noticed. While earlier notices may be lost it must not, because `noticed` would cover those too.
   */
  isNothingToSend({ list }: NoticesTo): boolean {
    const { seq, noticed } = this.#progress;
    return list.length === 0 && this.#sent === seq && this.#noticesSent === noticed;
  }

  /** Notes that everything up to `to` counts as noticed, without a message. */
  skippedNotices(to: number): void {
    this.#noticesSent = to;
  }

  /** Notes that `carrier` has taken the facts up to `to`, and the notices if there are any. */
  sentFacts(carrier: Carrier, to: number, notices: NoticesTo | undefined, now: number): void {
    this.#factsSentAt = now;
    if (carrier === "queue" && to > this.#sent) this.#queuedAt = now;
    this.#sent = Math.max(this.#sent, to);
    this.#noticesSent = Math.max(this.#noticesSent, notices?.to ?? 0);
    if (notices && notices.list.length > 0) this.#noticesSentAt = now;
    if (this.#isProbing) this.#mayNotify = false;
    this.#awaitConfirmation(now);
  }

  get isFanOutDue(): boolean {
    return !this.#progress.delivered && !this.#fanOutSent;
  }

  /** Notes that the queue has accepted the fan-out. */
  sentFanOut(now: number): void {
    this.#fanOutSent = true;
    this.#awaitConfirmation(now);
  }

  /** Notes that a queue has refused a message, or has not answered in time. */
  failed(): void {
    this.#attempts += 1;
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

  get #isUnderWay(): boolean {
    const { confirmed, noticed } = this.#progress;
    return this.#sent > confirmed || this.#noticesSent > noticed || this.#isFanOutUnderWay;
  }

  get #isFanOutUnderWay(): boolean {
    return this.#fanOutSent && !this.#progress.delivered;
  }

  #nextFlush(now: number): number {
    const retry = this.#deadline ?? now + this.#retryDelay;
    if (this.#attempts > 0) return retry;
    const { seq } = this.#progress;
    if (this.#sent < seq) return now + FLUSH_DELAY;
    return this.#noticesSent < seq && !this.#isProbing
      ? Math.min(retry, Math.max(this.#noticesDue, now + FLUSH_DELAY))
      : retry;
  }

  get #noticesDue(): number {
    return this.#noticesSentAt + NOTICE_WINDOW;
  }

  get #retryDelay(): number {
    return Math.min(RETRY_DELAY * 2 ** this.#attempts, RETRY_DELAY_MAX);
  }

  get #isAnythingLost(): boolean {
    return Object.keys(this.#lost).length > 0;
  }

  get #areNoticesLost(): boolean {
    return this.#lost.noticed !== undefined;
  }

  /** Whether one message of lost notices is under way, to find out whether they succeed now. */
  get #isProbing(): boolean {
    return this.#areNoticesLost && this.#noticesSent > this.#progress.noticed;
  }

  #countAllAsLost(): void {
    const { confirmed, noticed } = this.#progress;
    this.#attempts += 1;
    if (this.#sent > confirmed) this.#lost.confirmed = confirmed;
    if (this.#noticesSent > noticed) this.#lost.noticed = noticed;
    if (this.#isFanOutUnderWay) this.#lost.fanOut = true;
    this.#sent = confirmed;
    this.#noticesSent = noticed;
    this.#noticesSentAt = 0;
    this.#fanOutSent = false;
    this.#deadline = undefined;
  }

  #awaitConfirmation(now: number): void {
    this.#deadline ??= now + this.#retryDelay;
  }

  #wakeAt(time: number): number | undefined {
    if (time >= this.#wakesAt) return undefined;
    this.#wakesAt = time;
    return time;
  }
}

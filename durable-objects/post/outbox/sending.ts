/** Unconfirmed changes are sent again after 10 s, then 20, 40... up to 5 minutes. In ms. */
export const RETRY_DELAY = 10_000;
export const RETRY_DELAY_MAX = 300_000;

/** Returns how long to wait, in ms, after so many failures in a row. */
export const retryDelay = (failures: number): number => Math.min(RETRY_DELAY * 2 ** failures, RETRY_DELAY_MAX);

/**
 * How far one kind of what a post sends (facts, notices or the fan-out) has been sent and has arrived, as a `seq`, and
 * when the rest counts as lost. Each kind has its own deadline and back-off: what always fails must not delay the
 * others, and what always succeeds must not hide that another kind is lost.
 */
export class Sending {
  readonly #arrivedNow: () => number;
  #arrived: number;
  #sent: number;
  #losses = 0;
  #deadline: number | undefined;

  /** `arrived` returns the `seq` up to which everything has arrived at present. */
  constructor(arrived: () => number) {
    this.#arrivedNow = arrived;
    this.#arrived = arrived();
    this.#sent = this.#arrived;
  }

  /** The last `seq` sent. */
  get sent(): number {
    return this.#sent;
  }

  /** How often in a row it was lost. */
  get losses(): number {
    return this.#losses;
  }

  /** When what is under way counts as lost; undefined while nothing is. */
  get deadline(): number | undefined {
    return this.#deadline;
  }

  get isUnderWay(): boolean {
    return this.#sent > this.#arrivedNow();
  }

  /** Treats everything that has not arrived as not sent, and forgets what was lost. */
  restart(): void {
    this.#arrived = this.#arrivedNow();
    this.#sent = this.#arrived;
    this.#losses = 0;
    this.#deadline = undefined;
  }

  /** Notes that everything up to `to` is sent. It is awaited for as long as so many failures ask for. */
  send(to: number, now: number, refusals: number): void {
    this.#sent = Math.max(this.#sent, to);
    if (this.isUnderWay) this.#deadline ??= now + retryDelay(this.#losses + refusals);
  }

  /** Notes that nothing is to be sent up to `to`, which counts as arrived. For when nothing is under way. */
  skip(to: number): void {
    this.#arrived = to;
    this.#sent = to;
    this.#losses = 0;
  }

  /** Gives what is under way its full time if more has arrived. Returns whether it has. */
  advance(now: number): boolean {
    const arrived = this.#arrivedNow();
    if (arrived <= this.#arrived) return false;
    this.#arrived = arrived;
    this.#sent = Math.max(this.#sent, arrived);
    this.renew(now);
    return true;
  }

  /** Gives what is under way its full time, as if nothing had been lost. */
  renew(now: number): void {
    this.#losses = 0;
    this.#deadline = this.isUnderWay ? now + RETRY_DELAY : undefined;
  }

  /** Counts everything under way as lost if its time is over. Returns whether it is. */
  expire(now: number): boolean {
    if (this.#deadline === undefined || now < this.#deadline) return false;
    this.#losses += 1;
    this.#sent = this.#arrivedNow();
    this.#deadline = undefined;
    return true;
  }
}

/** What a replica of a database has, which receives each commit of the primary `lag` ms later. All times are in ms. */
export class Replica {
  readonly #lag: number;
  /** The times of the commits that the replica lacks, oldest first. */
  readonly #missing: number[] = [];
  /** The time of the newest commit that it has. Whatever was committed before the first call, it has. */
  #reached: number | undefined;

  constructor(lag: number) {
    this.#lag = lag;
  }

  /** Records a commit of the primary. */
  committed(now: number): void {
    const newest = this.#missing.at(-1) ?? this.#reachedAt(now);
    if (now > newest) this.#missing.push(now);
  }

  /** Returns the bookmark of the replica. */
  bookmark(now: number): string {
    return bookmarkOf(this.#reachedAt(now));
  }

  /** Returns the bookmark of the primary. */
  newest(now: number): string {
    const reached = this.#reachedAt(now);
    return bookmarkOf(this.#missing.at(-1) ?? reached);
  }

  /** Tells whether the replica may serve a session that begins with this constraint. */
  mayServe(constraint: string, now: number): boolean {
    if (constraint === "first-primary") return false;
    return constraint === "first-unconstrained" || constraint <= this.bookmark(now);
  }

  #reachedAt(now: number): number {
    let reached = this.#reached ?? now - this.#lag;
    while (this.#missing[0] !== undefined && this.#missing[0] <= now - this.#lag) reached = this.#missing.shift() ?? 0;
    this.#reached = reached;
    return reached;
  }
}

/** A bookmark in D1's format, whose text order is time order. */
const bookmarkOf = (time: number): string =>
  [hex(Math.floor(time / 1000)), hex(time % 1000), hex(0), "0".repeat(32)].join("-");
const hex = (value: number): string => value.toString(16).padStart(8, "0");

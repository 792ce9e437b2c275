/**
 * Token buckets, by the generic cell rate algorithm: all that is stored of a bucket is when it will be full again. So a
 * bucket never allows more than its capacity plus what flows in, and never refuses less.
 */
import type { Figures } from "./limits.ts";

const MINUTE = 60_000;
const DAY = 24 * 3_600_000;

/** What one action takes from the bucket `name`, which has these figures. */
export type Charge = { name: string; figures: Figures; cost: number };

/** When the buckets of a name are full again, in ms since 1970: the one of the burst and the one of the day. */
export type FullAt = { burst: number; day: number };

/** How much is left of a bucket, and in how many ms it is full again. */
export type Left = { remaining: number; fullIn: number };

/**
 * `allowed`: all charges were made; otherwise none was, `refused` is the name of the first that was refused, and `wait` says
 * after how many ms it would be allowed. `left` is in the order of the charges.
 */
export type Charged = { allowed: boolean; refused?: string; wait: number; left: { burst: Left; day: Left }[] };

/** The rate of a bucket: ms until one unit has flowed in, and until an empty bucket is full. */
type Rate = { interval: number; full: number };
const burstRate = ({ burst, perMinute }: Figures): Rate => ({
  interval: MINUTE / perMinute,
  full: (burst * MINUTE) / perMinute,
});
const dayRate = ({ perDay }: Figures): Rate => ({ interval: DAY / perDay, full: DAY });

/** In ms. Sums of fractions of a millisecond are off by less than this. */
const ROUNDING = 0.5;

/** Buckets by name. Holds at most `max`: beyond that, the ones that are full or the fullest are forgotten. */
export class Buckets {
  readonly #max: number;
  readonly #fullAt = new Map<string, FullAt>();

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Makes all charges or none. A cost above a bucket's capacity counts as the capacity, or it could never be allowed; a
   * negative one gives back.
   */
  charge(charges: readonly Charge[], now: number): Charged {
    const tries = charges.map(({ name, figures, cost }) => {
      const before = this.#fullAt.get(name);
      const burst = attempt(burstRate(figures), before?.burst ?? 0, Math.min(cost, figures.burst), now);
      const day = attempt(dayRate(figures), before?.day ?? 0, Math.min(cost, figures.perDay), now);
      return { name, burst, day, wait: Math.max(burst.wait, day.wait) };
    });
    const wait = Math.max(0, ...tries.map((one) => one.wait));
    const refused = tries.find((one) => one.wait === wait)?.name;
    const allowed = wait === 0;
    if (allowed) for (const { name, burst, day } of tries) this.#set(name, { burst: burst.after, day: day.after }, now);
    const left = tries.map(({ burst, day }) => ({ burst: burst.left(allowed), day: day.left(allowed) }));
    return { allowed, ...(!allowed && refused !== undefined && { refused }), wait, left };
  }

  get(name: string): FullAt | undefined {
    return this.#fullAt.get(name);
  }

  /** Puts back what was stored. */
  restore(name: string, fullAt: FullAt): void {
    this.#fullAt.set(name, fullAt);
  }

  /** Forgets the buckets that are full, and returns their names. */
  forgetFull(now: number): string[] {
    const full = [...this.#fullAt].flatMap(([name, { burst, day }]) => (Math.max(burst, day) <= now ? [name] : []));
    for (const name of full) this.#fullAt.delete(name);
    return full;
  }

  /** When the last bucket is full again; 0 without buckets. */
  get allFullAt(): number {
    let last = 0;
    for (const { burst, day } of this.#fullAt.values()) last = Math.max(last, burst, day);
    return last;
  }

  #set(name: string, fullAt: FullAt, now: number): void {
    this.#fullAt.set(name, fullAt);
    if (this.#fullAt.size <= this.#max) return;
    this.forgetFull(now);
    if (this.#fullAt.size <= this.#max) return;
    const [fullest] = [...this.#fullAt].sort(([, a], [, b]) => Math.max(a.burst, a.day) - Math.max(b.burst, b.day));
    if (fullest) this.#fullAt.delete(fullest[0]);
  }
}

function attempt({ interval, full }: Rate, fullAt: number, cost: number, now: number) {
  // A clock that was set back, or a lower rate than before, must not leave a bucket empty for longer than it takes to fill.
  const before = Math.min(Math.max(fullAt, now), now + full);
  const after = Math.max(before + cost * interval, now);
  const over = after - (now + full);
  const leftAt = (time: number): Left => ({
    remaining: Math.max(0, Math.floor((now + full - time + ROUNDING) / interval)),
    fullIn: time - now,
  });
  return { wait: over > ROUNDING ? over : 0, after, left: (allowed: boolean) => leftAt(allowed ? after : before) };
}

/**
 * How much one person, or one network without a session, may do. The one table of these limits; `LIMITS` in wrangler.toml
 * changes figures in it, and docs/operations.md shows it.
 */
import { type PersonId, timeOf } from "../ids.ts";
import { logError } from "../log.ts";

/** At most `burst` at once, then `perMinute`; and at most `perDay` at once, refilled over a day. */
export type Figures = { burst: number; perMinute: number; perDay: number };

/**
 * `by`: what is counted. `young`: the figures of accounts younger than YOUNG_FOR. `words`: what there are too many of, in a
 * message to people.
 */
type Limit = { by: "person" | "network" | "handle"; figures: Figures; young?: Figures; words: string };

const figures = (burst: number, perMinute: number, perDay: number): Figures => ({ burst, perMinute, perDay });

// Figures are far above what people do by hand: a photographer after an event likes 2,000 pictures, writes 400 comments and
// posts 300 pictures in a day (tests/runtime/limits.test.ts).
const TABLE = {
  like: { by: "person", figures: figures(200, 100, 5000), young: figures(60, 30, 500), words: "likes" },
  follow: { by: "person", figures: figures(60, 30, 1000), young: figures(40, 20, 200), words: "follows" },
  comment: { by: "person", figures: figures(30, 15, 1000), young: figures(15, 6, 150), words: "comments" },
  mention: { by: "person", figures: figures(20, 5, 100), young: figures(10, 2, 20), words: "mentions" },
  post: { by: "person", figures: figures(20, 6, 300), young: figures(10, 3, 50), words: "posts" },
  upload: { by: "person", figures: figures(120, 30, 1000), young: figures(60, 10, 200), words: "uploads" },
  part: { by: "person", figures: figures(600, 600, 50_000), words: "parts of uploads" },
  account: { by: "person", figures: figures(20, 5, 100), words: "changes of your account" },
  push: { by: "person", figures: figures(20, 5, 100), words: "devices" },
  inbox: { by: "person", figures: figures(60, 60, 5000), words: "changes of your inbox" },
  report: { by: "person", figures: figures(20, 5, 100), young: figures(10, 2, 20), words: "reports" },
  moderation: { by: "person", figures: figures(60, 60, 5000), words: "decisions" },
  live: { by: "person", figures: figures(60, 30, 5000), words: "connections" },
  "visitor-live": { by: "network", figures: figures(300, 150, 50_000), words: "connections" },
  "sign-up": { by: "network", figures: figures(10, 3, 100), words: "new accounts" },
  "sign-in": { by: "network", figures: figures(30, 10, 2000), words: "attempts" },
  "sign-in-pair": { by: "network", figures: figures(10, 1, 50), words: "attempts" },
  "sign-in-browser": { by: "person", figures: figures(10, 2, 100), words: "attempts" },
  "sign-in-handle": { by: "handle", figures: figures(30, 1, 300), words: "attempts" },
  operator: { by: "network", figures: figures(20, 1, 50), words: "attempts" },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof TABLE;
export type Limits = Record<LimitName, Limit>;

export const DEFAULT_LIMITS: Limits = TABLE;
export const LIMIT_NAMES = Object.keys(TABLE) as LimitName[];

const DAY = 24 * 3_600_000;
export const YOUNG_FOR = DAY;
/** Where the platform gives no address, all clients share one network, which may do so many times as much. */
export const SHARED_NETWORK_FACTOR = 20;
/** Switches all limits off, for measurements and tests on a local server. */
export const NO_LIMITS = "off";

const FIGURE_MAX = 10_000_000;

/**
 * Returns the limits with the changes of a text like `like=200,100/min,5000/day like.young=30 post=50/day`: a number alone is
 * the burst, and what is left out stays. Throws an error that says what is wrong.
 */
export function parseLimits(text: string): Limits {
  const limits = structuredClone<Limits>(TABLE);
  for (const entry of text.split(/\s+/).filter(Boolean)) {
    const [, name = "", young, values = ""] = /^([a-z-]+)(\.young)?=(\S+)$/.exec(entry) ?? [];
    const limit = Object.hasOwn(limits, name) ? limits[name as LimitName] : undefined;
    if (!limit)
      throw new Error(`"${entry}" must be NAME=BURST,RATE/min,DAY/day with one of: ${LIMIT_NAMES.join(", ")}`);
    if (young && !limit.young) throw new Error(`"${entry}": ${name} has no figures for young accounts`);
    const changed = (young ? limit.young : undefined) ?? limit.figures;
    for (const value of values.split(",")) {
      const [, number = "", per = "burst"] = /^(\d{1,8})(?:\/(min|day))?$/.exec(value) ?? [];
      const figure = Number(number);
      if (!(figure >= 1 && figure <= FIGURE_MAX))
        throw new Error(`"${entry}": "${value}" must be a number from 1 to ${FIGURE_MAX}, alone, or with /min or /day`);
      changed[FIGURE[per as keyof typeof FIGURE]] = figure;
    }
  }
  return limits;
}

const FIGURE = { burst: "burst", min: "perMinute", day: "perDay" } as const;

const parsed = new Map<string, Limits | undefined>();

/** Returns the limits of this deployment; undefined if they are off. A wrong text is logged, and the defaults hold. */
export function limitsOf({ LIMITS = "" }: { LIMITS?: string }): Limits | undefined {
  if (LIMITS === NO_LIMITS) return undefined;
  if (!parsed.has(LIMITS)) {
    try {
      parsed.set(LIMITS, parseLimits(LIMITS));
    } catch (error) {
      logError("LIMITS is not valid, the default limits hold", { error: String(error) });
      parsed.set(LIMITS, DEFAULT_LIMITS);
    }
  }
  return parsed.get(LIMITS);
}

/** Returns the figures of a person: lower ones for a young account, whose age is in its id. */
export const figuresFor = ({ figures, young }: Limit, person: PersonId, now: number): Figures =>
  young && now - timeOf(person) < YOUNG_FOR ? young : figures;

export const timesAsMuch = ({ burst, perMinute, perDay }: Figures, factor: number): Figures => ({
  burst: burst * factor,
  perMinute: perMinute * factor,
  perDay: perDay * factor,
});

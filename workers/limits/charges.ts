/**
 * Charges what people do to their limits. An actor near them decides (durable-objects/limits/allowance.ts); while it does not
 * respond, everything is allowed but what protects passwords, which this isolate then limits by itself.
 */
import type { Context } from "hono";
import { Refusal } from "../../schema/api/refusals.ts";
import { within } from "../../schema/d1/deadline.ts";
import type { PersonId } from "../../schema/ids.ts";
import { Buckets, type Charge, type Charged } from "../../schema/limits/buckets.ts";
import {
  DEFAULT_LIMITS,
  type Figures,
  figuresFor,
  type LimitName,
  limitsOf,
  SHARED_NETWORK_FACTOR,
  timesAsMuch,
} from "../../schema/limits/limits.ts";
import { logWarning } from "../../schema/log.ts";
import { SHARED_NETWORK } from "./networks.ts";

/** In ms. Writes wait no longer for the actor. */
const DECIDES_WITHIN = 500;
const FALLBACK_MAX = 10_000;
/** A limit of a network goes on in this isolate while the actor fails. */
const fallback = new Buckets(FALLBACK_MAX);

/** The names of limits that were charged, with the figures, and the answer. */
export type Limited = Charged & { charges: (Charge & { limit: LimitName })[] };

type Asked = { limit: LimitName; figures: Figures; cost?: number; bucket?: string };

/** Charges a person. Returns undefined if limits are off or the actor does not respond. Costs one actor call. */
export async function chargePerson(
  env: Env,
  person: PersonId,
  limit: LimitName,
  cost = 1,
): Promise<Limited | undefined> {
  const limits = limitsOf(env);
  if (!limits) return undefined;
  const figures = figuresFor(limits[limit], person, Date.now());
  return chargeAt(env, person, [{ limit, figures, cost }]);
}

/**
 * Charges a network: all of `asked`, or nothing. `bucket` tells several of one limit apart. Never undefined unless limits are
 * off: without the actor, this isolate decides. Costs one actor call.
 */
export async function chargeNetwork(
  env: Env,
  network: string,
  asked: readonly { limit: LimitName; bucket?: string; cost?: number }[],
): Promise<Limited | undefined> {
  const limits = limitsOf(env);
  if (!limits) return undefined;
  const factor = network === SHARED_NETWORK ? SHARED_NETWORK_FACTOR : 1;
  const subject = `network ${network}`;
  const all = asked.map(({ limit, bucket, cost }) => ({
    limit,
    figures: timesAsMuch(limits[limit].figures, factor),
    ...(bucket !== undefined && { bucket }),
    ...(cost !== undefined && { cost }),
  }));
  return (await chargeAt(env, subject, all)) ?? chargeHere(subject, all);
}

/** Charges another subject, with the same fallback as a network. Costs one actor call. */
export async function chargeSubject(env: Env, limit: LimitName, subject: string): Promise<Limited | undefined> {
  const limits = limitsOf(env);
  if (!limits) return undefined;
  const asked = [{ limit, figures: limits[limit].figures }];
  return (await chargeAt(env, subject, asked)) ?? chargeHere(subject, asked);
}

/**
 * Charges a handle that a network unknown to it tries. `mark` stands for the network. Costs one actor call.
 */
export async function chargeHandle(env: Env, handle: string, mark: string): Promise<Limited | undefined> {
  const limits = limitsOf(env);
  if (!limits) return undefined;
  const subject = subjectOf(handle);
  const asked: Asked[] = [{ limit: "sign-in-handle", figures: limits["sign-in-handle"].figures }];
  return (await chargeAt(env, subject, asked, mark)) ?? chargeHere(subject, asked);
}

/** Makes a network known to a handle. Costs one actor call, and one row a month. Never throws. */
export async function rememberNetwork(env: Env, handle: string, mark: string): Promise<void> {
  try {
    await env.ALLOWANCES.getByName(subjectOf(handle)).remember(mark);
  } catch (error) {
    logWarning("network not remembered", { error: String(error) });
  }
}

const subjectOf = (handle: string): string => `handle ${handle}`;

async function chargeAt(
  env: Env,
  subject: string,
  asked: readonly Asked[],
  unlessKnown?: string,
): Promise<Limited | undefined> {
  const charges = chargesOf(asked);
  try {
    const sent = charges.map(({ name, figures, cost }) => ({ name, figures, cost }));
    const charged = await within(
      DECIDES_WITHIN,
      env.ALLOWANCES.getByName(subject).charge(sent, unlessKnown),
      "the limits",
    );
    return { ...charged, charges };
  } catch (error) {
    logWarning("limits not checked", { limit: asked[0]?.limit, error: String(error) });
    return undefined;
  }
}

function chargeHere(subject: string, asked: readonly Asked[]): Limited {
  const charges = chargesOf(asked);
  const own = charges.map((charge) => ({ ...charge, name: `${subject} ${charge.name}` }));
  return { ...fallback.charge(own, Date.now()), charges: own };
}

const chargesOf = (asked: readonly Asked[]) =>
  asked.map(({ limit, figures, cost = 1, bucket }) => ({
    limit,
    name: bucket === undefined ? limit : `${limit} ${bucket}`,
    figures,
    cost,
  }));

/**
 * Throws `rate_limited` if a person, or a network without a session, has read too much. Approximate, by data centre, and costs no
 * call. A network without an address is not limited, because it may be everybody.
 */
export async function requireReadAllowed(env: Env, person: PersonId | undefined, network: string): Promise<void> {
  if (!limitsOf(env) || (person === undefined && network === SHARED_NETWORK)) return;
  const { success } = await env.READS.limit({ key: person ?? network });
  if (!success) throw new Refusal("rate_limited", undefined, undefined, { retryAfter: 60, limit: "read" });
}

/** Throws `rate_limited`, or `code`, if a charge was refused. */
export function requireAllowed(
  limited: Limited | undefined,
  code: "rate_limited" | "too_many_attempts" = "rate_limited",
): void {
  if (!limited || limited.allowed) return;
  throw refusalOf(limited, code);
}

function refusalOf({ charges, refused, wait }: Limited, code: "rate_limited" | "too_many_attempts"): Refusal {
  const limit = charges.find(({ name }) => name === refused)?.limit ?? charges[0]?.limit;
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  const words = limit === undefined ? "requests" : DEFAULT_LIMITS[limit].words;
  const detail = `Too many ${words} in a short time. Try again ${inWords(seconds)}.`;
  return new Refusal(code, detail, undefined, { retryAfter: seconds, ...(limit !== undefined && { limit }) });
}

/** "in 12 seconds", "in 5 minutes", "in 3 hours" */
function inWords(seconds: number): string {
  const [count, unit] =
    seconds < 90
      ? [seconds, "second"]
      : seconds < 90 * 60
        ? [Math.ceil(seconds / 60), "minute"]
        : [Math.ceil(seconds / 3600), "hour"];
  return `in ${count} ${unit}${count === 1 ? "" : "s"}`;
}

/**
 * Sets `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers): for each limit its capacity (q), how long an
 * empty one takes to fill (w, in s), what remains (r), and in how many s it is full again (t).
 */
export function setRateLimit(c: Context, { charges, left }: Limited): void {
  const items = charges.flatMap(({ limit, figures: { burst, perMinute, perDay } }, index) => {
    const now = left[index];
    if (!now) return [];
    return [
      { name: limit, quota: burst, window: Math.ceil((burst * 60) / perMinute), now: now.burst },
      { name: `${limit}-day`, quota: perDay, window: 86_400, now: now.day },
    ];
  });
  c.header("ratelimit-policy", items.map(({ name, quota, window }) => `"${name}";q=${quota};w=${window}`).join(", "));
  c.header(
    "ratelimit",
    items.map(({ name, now }) => `"${name}";r=${now.remaining};t=${Math.ceil(now.fullIn / 1000)}`).join(", "),
  );
}

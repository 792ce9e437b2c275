/**
 * Counts password attempts before the hash, which occupies the Worker for 150 ms. The limit of ten a minute for one
 * handle stops guessing at one person; the limit of sixty for one address stops trying one password on everyone.
 */
import type { Context } from "hono";
import { ApiError } from "../../../schema/api/refusals.ts";
import type { App } from "../../http/routes.ts";

/**
 * Throws `too_many_attempts` over the limit. Limits hold per Cloudflare location: a brake on abuse, not an exact quota.
 */
export async function countAttempt(c: Context<App>, action: "sign-in" | "sign-up", handle: string): Promise<void> {
  // Cloudflare overwrites this header, so clients cannot forge it; only a local server has none. X-Forwarded-For is not
  // trusted, because the client may set it.
  const address = c.req.header("cf-connecting-ip");
  const limits = await Promise.all([
    c.env.SIGN_IN_BY_HANDLE.limit({ key: `${action} ${handle}` }),
    ...(address === undefined ? [] : [c.env.SIGN_IN_BY_ADDRESS.limit({ key: networkOf(address) })]),
  ]);
  if (!limits.every(({ success }) => success)) throw new ApiError("too_many_attempts");
}

/** Returns the /64 network of an IPv6 address: one customer owns all of it, and could use a new address each time. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [start = "", end = ""] = address.split("::");
  const [head, tail] = [groupsOf(start), groupsOf(end)];
  const omitted = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  return `${[...head, ...omitted, ...tail].slice(0, 4).join(":")}::/64`;
}

const groupsOf = (part: string): string[] =>
  part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16).toString(16));

/**
 * Counts attempts at a password before one is hashed, because a hash occupies the Worker for 150 ms. Ten a minute for
 * one handle stop who guesses at a person, sixty for one address who tries one password on everybody.
 */
import type { Context } from "hono";
import { ApiError } from "../../../schema/api/refusals.ts";
import type { App } from "../../http/routes.ts";

/** Refuses with `too_many_attempts`. The limits hold per Cloudflare location: a brake on abuse, not an exact quota. */
export async function countAttempt(c: Context<App>, action: "sign-in" | "sign-up", handle: string): Promise<void> {
  // Cloudflare sets this header and removes a client's own; only the local socket has none. X-Forwarded-For is whatever
  // the client wrote.
  const address = c.req.header("cf-connecting-ip");
  const counts = await Promise.all([
    c.env.SIGN_IN_BY_HANDLE.limit({ key: `${action} ${handle}` }),
    ...(address === undefined ? [] : [c.env.SIGN_IN_BY_ADDRESS.limit({ key: networkOf(address) })]),
  ]);
  if (!counts.every(({ success }) => success)) throw new ApiError("too_many_attempts");
}

/** The first 64 bits of an IPv6 address: one customer has all the rest, and could use a new address each time. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [start = "", end = ""] = address.split("::");
  const [head, tail] = [groupsOf(start), groupsOf(end)];
  const omitted = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  return `${[...head, ...omitted, ...tail].slice(0, 4).join(":")}::/64`;
}

const groupsOf = (part: string): string[] =>
  part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16).toString(16));

/** The name of all networks where the platform gives no address: one for all, with figures of its own. */
export const SHARED_NETWORK = "shared";

/**
 * Returns the network that a request comes from. Cloudflare overwrites this header, so clients cannot forge it; only a local
 * server has none. X-Forwarded-For is not trusted, because the client may set it.
 */
export function networkIn(headers: Headers): string {
  const address = headers.get("cf-connecting-ip");
  return address === null ? SHARED_NETWORK : networkOf(address);
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

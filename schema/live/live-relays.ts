/**
 * Assigns live sockets to relays, of which each region of the world has several. The name of a relay includes its
 * region, so existing relays are still found after the number per region changes.
 */
import { type PersonId, shardOf } from "../ids.ts";

/** https://developers.cloudflare.com/durable-objects/reference/data-location/#provide-a-location-hint */
export const REGIONS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;
export type Region = (typeof REGIONS)[number];
export type RelayName = `${Region}-${number}`;

/** May be raised at any time: open sockets stay where they are. A post's actor may have to call all relays. */
export const RELAYS_PER_REGION = 8;

/** Returns the relay of a person. It holds all of the person's sockets in the region, so that it can count them. */
export const relayOfPerson = (region: Region, person: PersonId): RelayName => relayAt(region, shardOf(person));

/** Returns the relay of an anonymous viewer: one for the whole network, or a random one if that is unknown. */
export function relayOfNetwork(region: Region, network: string | undefined): RelayName {
  const key = new TextEncoder().encode(network ?? crypto.randomUUID());
  return relayAt(
    region,
    key.reduce((sum, byte) => sum + byte, 0),
  );
}

/** Returns the stub of a relay. Its object is created near the region on first use, and stays there. */
export const relayNamed = ({ LIVE_RELAYS }: Env, name: RelayName) =>
  LIVE_RELAYS.getByName(name, { locationHint: name.slice(0, name.indexOf("-")) as Region });

const relayAt = (region: Region, number: number): RelayName => `${region}-${number % RELAYS_PER_REGION}`;

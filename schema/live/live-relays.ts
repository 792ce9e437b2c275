/**
 * Where people's sockets are held: in relays, several in each region of the world. A relay's name says in which, so however
 * many a region has later, those that are there are found.
 */
import { type PersonId, shardOf } from "../ids.ts";

/** https://developers.cloudflare.com/durable-objects/reference/data-location/#provide-a-location-hint */
export const REGIONS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;
export type Region = (typeof REGIONS)[number];
export type RelayName = `${Region}-${number}`;

/** May be raised at any time: sockets that are there stay where they are. A post's actor may have to tell all of them. */
export const RELAYS_PER_REGION = 8;

/** All sockets of a person in a region are at one relay, so that it can count them. */
export const relayOfPerson = (region: Region, person: PersonId): RelayName => relayAt(region, shardOf(person));

/** Of who is not signed in: the same for all of one network; any, when that is not known. */
export function relayOfNetwork(region: Region, network: string | undefined): RelayName {
  const key = new TextEncoder().encode(network ?? crypto.randomUUID());
  return relayAt(
    region,
    key.reduce((sum, byte) => sum + byte, 0),
  );
}

/** Its object is made near the region when it is asked for first, and stays there. */
export const relayNamed = ({ LIVE_RELAYS }: Env, name: RelayName) =>
  LIVE_RELAYS.getByName(name, { locationHint: name.slice(0, name.indexOf("-")) as Region });

const relayAt = (region: Region, number: number): RelayName => `${region}-${number % RELAYS_PER_REGION}`;

import type { Region } from "../../../schema/live/live-relays.ts";

/** The regions of each continent, west and east of a longitude; both are the same where a continent has one region. */
const REGIONS: Readonly<Record<string, { west: Region; east: Region; border: number }>> = {
  NA: { west: "wnam", east: "enam", border: -100 },
  SA: { west: "sam", east: "sam", border: 0 },
  EU: { west: "weur", east: "eeur", border: 20 },
  AF: { west: "afr", east: "afr", border: 0 },
  AS: { west: "me", east: "apac", border: 60 },
  OC: { west: "oc", east: "oc", border: 0 },
};
/** For requests without a known location: local ones, from Antarctica, and over Tor. */
const DEFAULT_REGION: Region = "weur";

/** Returns the region whose relays are nearest to the client, as far as Cloudflare knows its location. */
export function regionOf({ cf }: Request): Region {
  const { continent = "", longitude } = (cf ?? {}) as IncomingRequestCfProperties;
  const regions = REGIONS[continent];
  if (!regions) return DEFAULT_REGION;
  return Number(longitude) < regions.border ? regions.west : regions.east;
}

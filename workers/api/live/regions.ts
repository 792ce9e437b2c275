import type { Region } from "../../../schema/live/live-relays.ts";

/** The regions of each continent: west and east of a longitude, where it has two. */
const REGIONS: Readonly<Record<string, { west: Region; east: Region; border: number }>> = {
  NA: { west: "wnam", east: "enam", border: -100 },
  SA: { west: "sam", east: "sam", border: 0 },
  EU: { west: "weur", east: "eeur", border: 20 },
  AF: { west: "afr", east: "afr", border: 0 },
  AS: { west: "me", east: "apac", border: 60 },
  OC: { west: "oc", east: "oc", border: 0 },
};
/** For who comes from nowhere: locally, from Antarctica, and over Tor. */
const ELSEWHERE: Region = "weur";

/** The region of the relays that are nearest to who asks, as far as Cloudflare knows where that is. */
export function regionOf({ cf }: Request): Region {
  const { continent = "", longitude } = (cf ?? {}) as IncomingRequestCfProperties;
  const regions = REGIONS[continent];
  if (!regions) return ELSEWHERE;
  return Number(longitude) < regions.border ? regions.west : regions.east;
}

import type { Far, FarRow, FarTimes } from "../measurements/far.ts";
import { type Place, PLACES, REPLICA_LAG } from "../network/distances.ts";
import { type Report, short } from "../output/report.ts";

/** Returns one table for each place. */
export const farReports = ({ samples, places, failures }: Far): Report[] =>
  places.map(({ place, rows }, index) => ({
    title: `${PLACES[place].title}: one request at a time`,
    table: [
      ["", "cold p50 ms", "warm p50 ms", "targets", "cold, waits for", "warm, waits for"],
      ...rows.map((row) => [
        row.title,
        timeCell(row.cold, row.limits?.cold),
        timeCell(row.warm, row.limits?.warm),
        targetCell(row),
        waitsCell(row.cold),
        waitsCell(row.warm),
      ]),
    ],
    notes: notesOf(place, samples),
    measured: rows,
    wrong: index === 0 ? failures : [],
  }));

const isMet = ({ p50 }: FarTimes, limit: number | undefined): boolean => limit === undefined || p50 <= limit;

const timeCell = (times: FarTimes, limit: number | undefined): string =>
  isMet(times, limit) ? short(times.p50) : `**${short(times.p50)}**`;

function targetCell({ cold, warm, limits }: FarRow): string {
  if (!limits) return "";
  const bound = limits.cold === limits.warm ? `at most ${limits.cold}` : `at most ${limits.cold} and ${limits.warm}`;
  return `${bound}: ${isMet(cold, limits.cold) && isMet(warm, limits.warm) ? "met" : "**missed**"}`;
}

const waitsCell = ({ waits }: FarTimes): string => (waits === "" ? "nothing" : waits);

function notesOf(place: Place, samples: number): string[] {
  const distances = Object.entries(PLACES[place].distances).map(([store, ms]) => `${store} ${ms}`);
  return [
    `Each call to a store waits for a network that this machine does not have, in ms: ${distances.join(", ")}. A batch waits once. Where the figures come from: bench/network/distances.ts.`,
    `Medians of ${samples} requests. cold: a person, posts and handles that the isolate has never seen. warm: the same request again at once, with the Consistency-Token of the first response if the person is signed in.`,
    "Calls joined by + overlap. What a request leaves to the background is not listed.",
    `A replica has a commit ${REPLICA_LAG} ms later; a read that requires a newer one goes to the primary. Both are one local database here, so no read misses a row because of the lag.`,
  ];
}

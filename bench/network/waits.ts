import type { Store } from "./distances.ts";

/** A call that has ended. The numbers only tell the order of all beginnings and ends. */
export type Wait = { store: Store; begun: number; ended: number };

/**
 * Describes what was waited for, in order: "KV, primary + replica". Calls that overlap stand together. A store that is
 * called several times together is named once.
 */
export function waitsText(waits: readonly Wait[]): string {
  const rounds: { stores: Set<Store>; ended: number }[] = [];
  for (const { store, begun, ended } of waits.toSorted((a, b) => a.begun - b.begun)) {
    const last = rounds.at(-1);
    if (last && begun < last.ended) {
      last.stores.add(store);
      last.ended = Math.max(last.ended, ended);
    } else {
      rounds.push({ stores: new Set([store]), ended });
    }
  }
  return rounds.map(({ stores }) => [...stores].join(" + ")).join(", ");
}

/** Counts what reaches people: rows that were put into feeds and notifications. */
import { measure } from "./measures.ts";

/** The names of the measures. */
export const DELIVERED = { feeds: "rows put into feeds", notifications: "rows put into notifications" } as const;

/** `results` are what D1 answered to the statements that put them there; what was there before is not counted. */
export function delivered(where: keyof typeof DELIVERED, ...results: readonly (D1Result | undefined)[]): void {
  measure(
    DELIVERED[where],
    results.reduce((rows, result) => rows + (result?.meta.changes ?? 0), 0),
  );
}

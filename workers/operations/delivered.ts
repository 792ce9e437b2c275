/** Counts the rows written to feeds and inboxes. */
import { measure } from "./measures.ts";

/** Names of measures. */
export const DELIVERED = { feeds: "rows put into feeds", notifications: "rows put into notifications" } as const;

/** Counts the rows that the statements behind `results` changed; rows that existed already do not count. */
export function delivered(where: keyof typeof DELIVERED, ...results: readonly (D1Result | undefined)[]): void {
  measure(
    DELIVERED[where],
    results.reduce((rows, result) => rows + (result?.meta.changes ?? 0), 0),
  );
}

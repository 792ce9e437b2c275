/** Counts the rows written to feeds and inboxes. */
import type { Result } from "../../schema/d1/database.ts";
import { measure } from "./measures.ts";

/** Names of measures. */
export const DELIVERED = { feeds: "rows put into feeds", notifications: "rows put into notifications" } as const;

/** Counts the rows that the statements behind `results` changed; rows that existed already do not count. */
export function countDelivered(where: keyof typeof DELIVERED, ...results: readonly (Result | undefined)[]): void {
  measure(
    DELIVERED[where],
    results.reduce((rows, result) => rows + (result?.changes ?? 0), 0),
  );
}

import type { media } from "../../../schema/tables/posts.ts";

/** An upload as it is stored. */
export type MediaRow = typeof media.$inferSelect;

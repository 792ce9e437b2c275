import type { MediaId } from "../ids.ts";

/** The renditions of a profile picture: squares of 96 and 192 pixels, less for a smaller picture. */
export const SQUARES = ["s96", "s192"] as const;
export type Square = (typeof SQUARES)[number];
/** The side of each, in pixels. */
export const SIDES: Record<Square, number> = { s96: 96, s192: 192 };

/** Returns the URL of a profile picture, relative to the API's. It is the same for everybody, and its bytes never change. */
export const squareUrl = (picture: MediaId, square: Square): string => `/media/${picture}/${square}`;

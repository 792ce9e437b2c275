import { latin1 } from "../bytes/fields.ts";

/** Enough of a WebP to tell whether it has transparency. */
export const TRANSPARENCY_BYTES = 32;

/** Whether a WebP that starts with `head` has transparency (RFC 9649): a flag in either of the two kinds that may have it. */
export function isTransparentWebp(head: Uint8Array): boolean {
  const kind = latin1(head.subarray(12, 16));
  if (kind === "VP8X") return ((head[20] ?? 0) & 0x10) !== 0;
  return kind === "VP8L" && ((head[24] ?? 0) & 0x10) !== 0;
}

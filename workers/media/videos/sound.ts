/** What our own walk through a file leaves for the demuxer, which trusts what a file says of itself. */
import type { ByteSource } from "../inspection/byte-source.ts";
import type { Removed } from "../../../schema/media/media-details.ts";

/** A file that is sound as far as the demuxer reads it. */
export type Sound = {
  /** With everything hidden that the demuxer has no need of, or could be led astray by. */
  view: ByteSource;
  /** Whether it can be played from its first bytes on. */
  fastStart: boolean;
  /** What it has that will not be served. That it is there, never what it says. */
  removed: Set<Removed>;
  /** How many packets each track says it has. Empty where the file does not say. */
  packets: ReadonlyMap<number, number>;
  /** As the file states it, where the packets do not tell at once. */
  durationMs: number | null;
};

/** Whether `bytes` have one of these texts in them, given as characters of one byte each. */
export const mentions = (bytes: Uint8Array, texts: string[]): boolean =>
  texts.some((text) => indexOf(bytes, text) >= 0);

function indexOf(bytes: Uint8Array, text: string): number {
  const codes = Array.from(text, (character) => character.charCodeAt(0));
  const [first = 0, ...rest] = codes;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (rest.every((code, index) => bytes[at + 1 + index] === code)) return at;
  }
  return -1;
}

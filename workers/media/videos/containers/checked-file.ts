/** The result of our walk through a file. The demuxer trusts what a file states, so it only reads what was checked. */
import type { ByteSource } from "../../bytes/byte-source.ts";
import type { EditList } from "./edit-lists.ts";
import type { Removed } from "../../../../schema/media/media-details.ts";

/** A file whose structure is sound wherever the demuxer reads it. */
export type CheckedFile = {
  /** The file with everything hidden that the demuxer does not need, or that could mislead it. */
  view: ByteSource;
  /** Whether playback can start before the whole file has arrived. */
  fastStart: boolean;
  /** Whether the times of packets are spread over the file, so that reading them all reads most of it. */
  isFragmented: boolean;
  /** What the file has that will not be served: only its presence, never its content. */
  removed: Set<Removed>;
  /** The kinds of tracks that are left out because browsers do not play their codecs. */
  unplayed: ReadonlySet<"video" | "audio">;
  /** The number of packets that each track states, by track id. Empty if the file does not state it. */
  packets: ReadonlyMap<number, number>;
  /** The edit lists, by track id. A track without one plays whole. */
  edits: ReadonlyMap<number, EditList>;
  /** The stated duration, for formats where the packets do not reveal it cheaply. */
  durationMs: number | null;
};

/** Whether `bytes` contain one of these texts, whose characters stand for one byte each. */
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

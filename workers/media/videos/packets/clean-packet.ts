import { cleanAv1 } from "./av1-units.ts";
import { cleanUnits, unitFormatOf } from "./nal-units.ts";
import { cleanAac, cleanOpus } from "./sound-fill.ts";

const CLEANERS: Record<string, (packet: Uint8Array) => Uint8Array> = { av1: cleanAv1, aac: cleanAac, opus: cleanOpus };

/**
 * Returns a function that removes from a packet what decoding does not need, for a codec and its configuration. VP8, VP9
 * and FLAC have no place for anything else. It throws `corrupt` for a packet that cannot be read.
 */
export function cleanerOf(codec: string, config: Uint8Array | undefined): (packet: Uint8Array) => Uint8Array {
  const format = unitFormatOf(codec, config);
  if (format) return (packet) => cleanUnits(packet, format);
  return CLEANERS[codec] ?? ((packet) => packet);
}

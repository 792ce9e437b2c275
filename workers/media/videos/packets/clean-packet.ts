import { cleanAv1 } from "./av1-units.ts";
import { cleanUnits, unitFormatOf } from "./nal-units.ts";
import { cleanAac, cleanOpus } from "./sound-fill.ts";

const CLEANERS: Record<string, (packet: Uint8Array) => Uint8Array> = { av1: cleanAv1, aac: cleanAac, opus: cleanOpus };

/** Where the header of Opus states how its channels are mapped and, unless that is 0, the number of streams (RFC 7845, 5.1). */
const [OPUS_MAPPING, OPUS_STREAMS] = [18, 19];

/** Whether packets of Opus have several streams, for surround sound. Each has a packet of its own in them, with its own padding. */
const isSurround = (config: Uint8Array | undefined): boolean =>
  (config?.[OPUS_MAPPING] ?? 0) > 0 && (config?.[OPUS_STREAMS] ?? 1) > 1;

/**
 * Returns a function that removes from a packet what decoding does not need, for a codec and its configuration. VP8, VP9
 * and FLAC have no place for anything else. It throws `corrupt` for a packet that cannot be read.
 */
export function cleanerOf(codec: string, config: Uint8Array | undefined): (packet: Uint8Array) => Uint8Array {
  const format = unitFormatOf(codec, config);
  if (format) return (packet) => cleanUnits(packet, format);
  if (codec === "opus" && isSurround(config)) return (packet) => packet;
  return CLEANERS[codec] ?? ((packet) => packet);
}

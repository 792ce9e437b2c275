/**
 * What a camera may write between its pictures: "user data unregistered" of H.264 (ITU-T H.264, D.1.7) and H.265, in which
 * encoders note their settings, and drones where they are. No player looks at it.
 */
import { joined, uintOf } from "../../../schema/bytes.ts";
import { Rejected } from "../inspection/rejections.ts";

type Format = {
  /** Of the bytes before each unit that say how long it is: 1, 2 or 4. */
  lengthBytes: number;
  headerBytes: number;
  isSei: (firstByte: number) => boolean;
};

const USER_DATA_UNREGISTERED = 5;

/**
 * How the packets of a track are put together, by its codec and the configuration that a file has for a decoder (avcC or
 * hvcC, ISO/IEC 14496-15); undefined of a codec that has no such messages.
 */
export function unitsOf(codec: string, config: Uint8Array | undefined): Format | undefined {
  if (codec === "avc") {
    const isSei = (byte: number) => (byte & 0x1f) === 6;
    return { lengthBytes: ((config?.[4] ?? 3) & 3) + 1, headerBytes: 1, isSei };
  }
  if (codec === "hevc") {
    const isSei = (byte: number) => ((byte >> 1) & 0x3f) === 39 || ((byte >> 1) & 0x3f) === 40; // Before, and behind a picture.
    return { lengthBytes: ((config?.[21] ?? 3) & 3) + 1, headerBytes: 2, isSei };
  }
  return undefined;
}

/** The packet without the units that carry such a message; the same bytes if there is none. Throws `corrupt` where nothing is left. */
export function withoutUserData(packet: Uint8Array, format: Format): Uint8Array {
  const kept: Uint8Array[] = [];
  let isClean = true;
  for (let at = 0; at < packet.length;) {
    const end = Math.min(at + format.lengthBytes + uintOf(packet.subarray(at, at + format.lengthBytes)), packet.length);
    const unit = packet.subarray(at, end);
    if (hasUserData(unit.subarray(format.lengthBytes), format)) isClean = false;
    else kept.push(unit);
    at = Math.max(end, at + format.lengthBytes);
  }
  if (isClean) return packet;
  if (kept.length === 0) throw new Rejected("corrupt");
  return joined(kept);
}

/** Messages stand one behind the other, each with its type and length as sums of bytes that end with one below 255. */
function hasUserData(unit: Uint8Array, { headerBytes, isSei }: Format): boolean {
  if (unit.length <= headerBytes || !isSei(unit[0] ?? 0)) return false;
  const bytes = withoutEscapes(unit.subarray(headerBytes));
  let at = 0;
  const sum = () => {
    let value = 0;
    for (; bytes[at] === 255; at += 1) value += 255;
    value += bytes[at] ?? 0;
    at += 1;
    return value;
  };
  while (at + 2 <= bytes.length) {
    if (sum() === USER_DATA_UNREGISTERED) return true;
    const length = sum();
    at += length;
  }
  return false;
}

/** After two zeros an encoder writes a 3 that means nothing, so that no unit contains what would begin another. */
const withoutEscapes = (bytes: Uint8Array): Uint8Array =>
  bytes.filter((byte, at) => byte !== 3 || at < 2 || bytes[at - 1] !== 0 || bytes[at - 2] !== 0);

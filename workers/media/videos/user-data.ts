/**
 * Removes what a camera may write between its pictures: "user data unregistered" messages of H.264 (ITU-T H.264, D.1.7)
 * and H.265. Encoders note their settings there, and drones their position. No player reads it.
 */
import { concatBytes, readUint } from "../../../schema/bytes.ts";
import { Rejected } from "../files/rejections.ts";

type Format = {
  /** The size of the length before each unit: 1, 2 or 4 bytes. */
  lengthBytes: number;
  headerBytes: number;
  isSei: (firstByte: number) => boolean;
};

const USER_DATA_UNREGISTERED = 5;

/**
 * Returns how the packets of a track are structured, from its codec and decoder configuration (avcC or hvcC, ISO/IEC
 * 14496-15). Undefined for a codec that has no such messages.
 */
export function unitFormatOf(codec: string, config: Uint8Array | undefined): Format | undefined {
  if (codec === "avc") {
    const isSei = (byte: number) => (byte & 0x1f) === 6;
    return { lengthBytes: ((config?.[4] ?? 3) & 3) + 1, headerBytes: 1, isSei };
  }
  if (codec === "hevc") {
    // A prefix and a suffix SEI, before and after a picture.
    const isSei = (byte: number) => ((byte >> 1) & 0x3f) === 39 || ((byte >> 1) & 0x3f) === 40;
    return { lengthBytes: ((config?.[21] ?? 3) & 3) + 1, headerBytes: 2, isSei };
  }
  return undefined;
}

/** Returns the packet without units that carry such a message, or unchanged. Throws `corrupt` if nothing is left. */
export function withoutUserData(packet: Uint8Array, format: Format): Uint8Array {
  const kept: Uint8Array[] = [];
  let isClean = true;
  for (let at = 0; at < packet.length;) {
    const end = Math.min(
      at + format.lengthBytes + readUint(packet.subarray(at, at + format.lengthBytes)),
      packet.length,
    );
    const unit = packet.subarray(at, end);
    if (hasUserData(unit.subarray(format.lengthBytes), format)) isClean = false;
    else kept.push(unit);
    at = Math.max(end, at + format.lengthBytes);
  }
  if (isClean) return packet;
  if (kept.length === 0) throw new Rejected("corrupt");
  return concatBytes(kept);
}

/** Messages follow one another, each with its type and length as a sum of bytes that ends with the first below 255. */
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

/** Removes emulation prevention bytes: a 3 after two zeros, which keeps a unit from containing a start code. */
const withoutEscapes = (bytes: Uint8Array): Uint8Array =>
  bytes.filter((byte, at) => byte !== 3 || at < 2 || bytes[at - 1] !== 0 || bytes[at - 2] !== 0);

/**
 * Overwrites what packets of sound carry beside sound with zeros: in AAC, elements with data and with fill, where encoders
 * write their names, and comments; in Opus, padding. Lengths stay, so nothing has to move.
 */
import { Rejected } from "../../files/rejections.ts";
import { commentOf } from "./aac-parameters.ts";
import { type Bits, bitsOf } from "./bits.ts";

/**
 * Elements of AAC (ISO/IEC 14496-3, 4.4.2.1): any data, a list of channels with a comment, and fill, which may be an
 * extension of the sound.
 */
const [DATA, CHANNELS, FILL] = [4, 5, 6];
const BESIDE_SOUND = new Set([DATA, CHANNELS, FILL]);
/** Extensions that decoders use: of the dynamic range (11), of surround sound (12), and of high frequencies (13, 14). */
const EXTENSIONS = new Set([11, 12, 13, 14]);

/**
 * Returns a packet of AAC without the data, comments and fill in front of its first sound, or itself. What is between and behind
 * sounds cannot be found without decoding them.
 */
export function cleanAac(packet: Uint8Array): Uint8Array {
  const bits = bitsOf(packet);
  let cleaned: Uint8Array | undefined;
  for (let element = bits.take(3); BESIDE_SOUND.has(element); element = bits.take(3)) {
    const { from, bytes } = contentOf(element, bits);
    const isNeeded = element === FILL && bytes > 0 && EXTENSIONS.has(bits.take(4));
    bits.moveTo(from + bytes * 8);
    if (isNeeded || bytes === 0) continue;
    cleaned ??= packet.slice();
    for (let bit = from; bit < from + bytes * 8; bit += 1)
      cleaned[bit >> 3] = (cleaned[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7));
  }
  return cleaned ?? packet;
}

/** Returns where the data, fill or comment of an element begins, in bits, and its length in bytes. */
function contentOf(element: number, bits: Bits): { from: number; bytes: number } {
  if (element === CHANNELS) return commentOf(bits);
  const bytes = element === DATA ? dataBytes(bits) : fillBytes(bits);
  return { from: bits.at(), bytes };
}

function dataBytes(bits: Bits): number {
  bits.take(4);
  const isAligned = bits.take(1) === 1;
  const count = bits.take(8);
  const whole = count === 255 ? count + bits.take(8) : count;
  if (isAligned) bits.moveTo(Math.ceil(bits.at() / 8) * 8);
  return whole;
}

function fillBytes(bits: Bits): number {
  const count = bits.take(4);
  return count === 15 ? count + bits.take(8) - 1 : count;
}

/** Returns a packet of Opus with zeros for its padding (RFC 6716, section 3.2.5), or itself if it has none. */
export function cleanOpus(packet: Uint8Array): Uint8Array {
  const [contents = 0, frames = 0] = packet;
  const hasPadding = (contents & 3) === 3 && (frames & 0x40) !== 0;
  if (!hasPadding) return packet;
  let padding = 0;
  let at = 2;
  for (; packet[at] === 255; at += 1) padding += 254;
  padding += packet[at] ?? 0;
  if (at + 1 + padding > packet.length) throw new Rejected("corrupt");
  const cleaned = packet.slice();
  cleaned.fill(0, packet.length - padding);
  return cleaned;
}

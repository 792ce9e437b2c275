/**
 * Keeps of a packet of H.264 (ITU-T H.264) or H.265 what decoders need: pictures, parameters, and the few messages that
 * change how a picture is shown. Encoders note their settings between the pictures, and drones their position. Only
 * what is known to be needed is kept, so nobody has to recognize the rest.
 */
import { concatBytes, readUint } from "../../../../schema/bytes.ts";
import { Rejected } from "../../files/rejections.ts";
import { UNITS_MAX } from "../containers/limits.ts";
import { checkChroma } from "./chroma.ts";
import { withoutMessages } from "./sei-messages.ts";

export type UnitFormat = {
  codec: "avc" | "hevc";
  /** The size of the length before each unit: 1, 2 or 4 bytes. 0: units are separated by start codes (Annex B). */
  lengthBytes: number;
};

/** A unit without its length. */
type Unit = Uint8Array;

/**
 * Returns how the packets of a track are structured, from its codec and decoder configuration (avcC or hvcC, ISO/IEC
 * 14496-15). Undefined for a codec without units.
 */
export function unitFormatOf(codec: string, config: Uint8Array | undefined): UnitFormat | undefined {
  if (codec !== "avc" && codec !== "hevc") return undefined;
  const byte = config?.[codec === "avc" ? 4 : 21];
  return { codec, lengthBytes: byte === undefined ? 0 : (byte & 3) + 1 };
}

/**
 * Returns the packet without units that are not needed, or itself. Throws `corrupt` if nothing is left, and `too_complex`
 * for more than UNITS_MAX units.
 */
export function cleanUnits(packet: Uint8Array, format: UnitFormat): Uint8Array {
  const { units: found, isWhole } = unitsOf(packet, format.lengthBytes);
  const units = found.flatMap((unit) => cleanUnit(unit, format.codec) ?? []);
  if (units.length === 0) throw new Rejected("corrupt");
  if (isWhole && units.length === found.length && units.every((unit, at) => unit === found[at])) return packet;
  return concatBytes(units.flatMap((unit) => [prefixOf(unit, format.lengthBytes), unit]));
}

/**
 * Whether a decoder can begin at a packet. Of H.264, some fail at a key frame that does not make it forget all pictures
 * before (no IDR), because later ones refer to them. Those of H.265 leave such pictures out.
 */
export const isEntry = (packet: Uint8Array, { codec, lengthBytes }: UnitFormat): boolean =>
  codec === "hevc" || unitsOf(packet, lengthBytes).units.some(([first = 0]) => (first & 0x1f) === IDR);

const IDR = 5;
const START_CODE = new Uint8Array([0, 0, 0, 1]);

function prefixOf({ length }: Unit, lengthBytes: number): Uint8Array {
  if (lengthBytes === 0) return START_CODE;
  if (length >= 256 ** lengthBytes) throw new Rejected("corrupt");
  return Uint8Array.from({ length: lengthBytes }, (_, at) => length >>> (8 * (lengthBytes - at - 1)));
}

/**
 * Returns the units in a packet, and whether it consists of them and their lengths alone. A unit cannot contain a start
 * code, and some decoders begin a new one there. So a start code within a unit divides it, and a packet whose lengths do
 * not fit is read by its start codes.
 */
function unitsOf(packet: Uint8Array, lengthBytes: number): { units: Unit[]; isWhole: boolean } {
  const byLength = lengthBytes > 0 ? unitsByLength(packet, lengthBytes) : undefined;
  if (byLength) {
    const units: Unit[] = [];
    for (const unit of byLength) divide(unit, units);
    const bytes = byLength.reduce((sum, { length }) => sum + lengthBytes + length, 0);
    return { units, isWhole: units.length === byLength.length && bytes === packet.length };
  }
  const start = startCodeIn(packet, 0);
  if (start !== 0 && !(start === 1 && packet[0] === 0)) throw new Rejected("corrupt");
  return { units: divide(packet, []), isWhole: false };
}

/** Returns undefined unless the lengths fit, up to zeros at the end. */
function unitsByLength(packet: Uint8Array, lengthBytes: number): Unit[] | undefined {
  const units: Unit[] = [];
  for (let at = 0; at < packet.length;) {
    const from = at + lengthBytes;
    const end = from + readUint(packet.subarray(at, from));
    if (end > packet.length) return packet.subarray(at).every((byte) => byte === 0) ? units : undefined;
    if (end > from) add(units, packet.subarray(from, end));
    at = end;
  }
  return units;
}

/** Divides bytes at start codes, and returns `units` with the parts added. */
function divide(bytes: Uint8Array, units: Unit[]): Unit[] {
  let from = 0;
  for (let code = startCodeIn(bytes, 0); code >= 0; code = startCodeIn(bytes, from)) {
    add(units, bytes.subarray(from, code));
    from = code + 3;
  }
  add(units, from === 0 ? bytes : bytes.subarray(from));
  return units;
}

function add(units: Unit[], unit: Unit): void {
  if (units.length === UNITS_MAX) throw new Rejected("too_complex");
  units.push(unit);
}

/** Returns the position of the next start code, the bytes 0, 0, 1; -1 if there is none. Looks at every third byte. */
function startCodeIn(bytes: Uint8Array, from: number): number {
  for (let at = from + 2; at < bytes.length;) {
    const byte = bytes[at] ?? 0;
    if (byte === 1 && bytes[at - 1] === 0 && bytes[at - 2] === 0) return at - 2;
    at += byte === 0 ? 1 : 3;
  }
  return -1;
}

type Rule = "keep" | "messages" | "sets" | "short";
const SHORT_MAX = 3;

/** Slices, parameter sets, and their extensions; sequence parameter sets; messages; short marks between pictures. All other types are left out. */
const RULES: Record<UnitFormat["codec"], (type: number) => Rule | undefined> = {
  avc: (type) => {
    if (type === 6) return "messages";
    if (type === 7) return "sets";
    if (type >= 9 && type <= 11) return "short";
    return [1, 2, 3, 4, 5, 8, 13, 14, 15, 19, 20].includes(type) ? "keep" : undefined;
  },
  hevc: (type) => {
    if (type === 39 || type === 40) return "messages";
    if (type === 33) return "sets";
    if (type >= 35 && type <= 37) return "short";
    return type <= 9 || (type >= 16 && type <= 21) || type === 32 || type === 34 ? "keep" : undefined;
  },
};

/** Returns a unit without what is not needed, or undefined if nothing of it is. */
function cleanUnit(unit: Unit, codec: UnitFormat["codec"]): Unit | undefined {
  const [first] = unit;
  if (first === undefined) return undefined;
  const rule = RULES[codec](codec === "avc" ? first & 0x1f : (first >> 1) & 0x3f);
  if (rule === "sets") checkChroma(unit, codec);
  if (rule === undefined || (rule === "short" && unit.length > SHORT_MAX)) return undefined;
  return rule === "messages" ? withoutMessages(unit, codec === "avc" ? 1 : 2) : withoutPadding(unit);
}

// Zeros at the end belong to no unit.
function withoutPadding(unit: Unit): Unit {
  let end = unit.length;
  while (end > 0 && unit[end - 1] === 0) end -= 1;
  return end === unit.length ? unit : unit.subarray(0, end);
}

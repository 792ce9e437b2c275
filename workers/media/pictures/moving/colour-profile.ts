/**
 * Rewrites colour profiles (ICC.1:2022). A profile may hold names, copyrights, dates and any private data, so only the
 * numbers that define its colours are copied.
 */
import { readUint } from "../../../../schema/bytes.ts";
import { latin1 } from "../../bytes/fields.ts";
import { ENTRY_BYTES, HEADER_BYTES, profileOf } from "../formats/icc.ts";

const TAGS_MAX = 100;
const CURVE_MAX = 4096;

/** The fields of the header that colours depend on, as offset and length. The others stay empty. */
const FIELDS = [
  [8, 16], // Version, class, and the two colour spaces.
  [36, 4], // The signature of all profiles.
  [64, 16], // Rendering intent and illuminant.
] as const;

/** The tags that define the colours of a screen, in colour and in grey. */
const RGB = ["rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"];
const GREY = ["kTRC"];
/** Tags that a profile may have besides: its white, how that was adapted, and the numbers of its colour space. */
const OPTIONAL = ["wtpt", "chad", "cicp"];

/** Returns a profile with the colours of `profile` alone; undefined if it is damaged or not of the usual kind. */
export function coloursAlone(profile: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const space = latin1(profile.subarray(16, 24));
  const needed = space === "RGB XYZ " ? RGB : space === "GRAYXYZ " ? GREY : undefined;
  if (!needed || latin1(profile.subarray(36, 40)) !== "acsp") return undefined;
  const found = tagsOf(profile);
  if (needed.some((name) => !found.has(name))) return undefined;
  const kept = [...needed, ...OPTIONAL].flatMap((name): [string, Uint8Array][] => {
    const data = found.get(name);
    return data ? [[name, data]] : [];
  });
  return profileOf(headerOf(profile), kept);
}

/** Returns the data of each tag that is whole and has a known type, up to the length that it needs. */
function tagsOf(profile: Uint8Array): Map<string, Uint8Array> {
  const count = Math.min(TAGS_MAX, readUint(profile.subarray(HEADER_BYTES, HEADER_BYTES + 4)));
  const tags = new Map<string, Uint8Array>();
  for (let tag = 0; tag < count; tag += 1) {
    const at = HEADER_BYTES + 4 + tag * ENTRY_BYTES;
    const [offset, length] = [readUint(profile.subarray(at + 4, at + 8)), readUint(profile.subarray(at + 8, at + 12))];
    const data = profile.subarray(offset, offset + length).slice();
    data.fill(0, 4, 8); // Reserved.
    const needed = lengthOf(data);
    if (needed !== undefined && needed <= data.length)
      tags.set(latin1(profile.subarray(at, at + 4)), data.subarray(0, needed));
  }
  return tags;
}

/** The parameters of each kind of curve. */
const PARAMETERS = [1, 3, 4, 5, 7];

/** Returns how long the data of a tag is by its type, or undefined for a type that is not copied. */
function lengthOf(data: Uint8Array): number | undefined {
  switch (latin1(data.subarray(0, 4))) {
    case "XYZ ":
      return 20;
    case "sf32":
      return 44;
    case "cicp":
      return 12;
    case "curv": {
      const points = readUint(data.subarray(8, 12));
      return points <= CURVE_MAX ? 12 + 2 * points : undefined;
    }
    case "para": {
      const parameters = PARAMETERS[readUint(data.subarray(8, 10))];
      data.fill(0, 10, 12); // Reserved.
      return parameters && 12 + 4 * parameters;
    }
    default:
      return undefined;
  }
}

/** Returns the header with the fields alone that colours depend on. */
function headerOf(original: Uint8Array): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  for (const [from, length] of FIELDS) header.set(original.subarray(from, from + length), from);
  return header;
}

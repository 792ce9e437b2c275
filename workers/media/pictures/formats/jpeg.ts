/** Reads a JPEG: its segments up to the first scan by ranges, and its scans only if there may be many. */
import { latin1 } from "../../bytes/fields.ts";
import { readUint } from "../../../../schema/bytes.ts";
import type { Metered } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { BLOCK_BYTES, keep, emptyHeader, type RawHeader } from "./raw-header.ts";
import { type Windows, windowsOf } from "../../bytes/windows.ts";

/** Limits the part before the first scan. Phones put depth maps of several megabytes into XMP there. */
const HEAD_BYTES = 8 * 1024 * 1024;
const HEAD_READS = 100;
const JPEG_SEGMENTS_MAX = 1000;
/** A progressive photograph has about 10. Each costs the decoder a pass over the whole picture. */
const SCANS_MAX = 100;
/** How far to look for a video after a photograph. A phone may write the header of its own block in between. */
const BEFORE_VIDEO_BYTES = 4096;

const [TEM, SOF0, SOF2, DHT, JPG, DAC, RST0, SOI, EOI, SOS, DNL] = [
  0x01, 0xc0, 0xc2, 0xc4, 0xc8, 0xcc, 0xd0, 0xd8, 0xd9, 0xda, 0xdc,
];
const [APP0, APP1, APP2, APP13, APP14, APP15, COM] = [0xe0, 0xe1, 0xe2, 0xed, 0xee, 0xef, 0xfe];

type Frame = { components: number; progressive: boolean };
type Segment = { marker: number; at: number; length: number };

/** Reads the size and the metadata of a JPEG. */
export async function readJpeg(source: Metered): Promise<RawHeader> {
  const raw = emptyHeader();
  const windows = windowsOf(source);
  let frame: Frame | undefined;
  let at = 2;
  for (let segments = 0; segments <= JPEG_SEGMENTS_MAX; segments += 1) {
    const segment = await nextSegment(windows, at);
    if (source.bytesRead > HEAD_BYTES || source.reads > HEAD_READS) throw new Rejected("too_complex");
    at = segment.at + segment.length;
    if (segment.marker === SOS) {
      await readScans(windows, raw, frame, (await windows.at(segment.at, 1))[0] ?? 0, at);
      return raw;
    }
    if (segment.marker === DNL) throw new Rejected("unsupported");
    if (isFrame(segment.marker)) {
      if (frame) throw new Rejected("corrupt"); // The picture would have two sizes.
      frame = await readFrame(windows, segment, raw);
    } else await readSegment(windows, segment, raw);
  }
  throw new Rejected("too_many_segments");
}

/** Returns the next segment from `at` on. Like a decoder, it skips bytes that are not a marker. */
async function nextSegment(windows: Windows, at: number): Promise<Segment> {
  for (let bytes = await windows.from(at, 2); bytes.length > 0; bytes = await windows.from(at, 2)) {
    const found = markerIn(bytes);
    at += found ?? Math.max(1, bytes.length - 1);
    if (found === undefined) continue;
    const [, marker = 0, ...length] = await windows.at(at, 4);
    if (marker === EOI || length.length < 2) break;
    // A length below 2, its own size, counts as an empty segment, as in decoders.
    return { marker, at: at + 4, length: Math.max(2, readUint(new Uint8Array(length))) - 2 };
  }
  throw new Rejected("corrupt");
}

/** Returns the offset of the first marker that starts a segment, or undefined. */
function markerIn(bytes: Uint8Array): number | undefined {
  for (let at = bytes.indexOf(0xff); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const marker = bytes[at + 1];
    if (marker !== undefined && !startsNoSegment(marker)) return at;
  }
  return undefined;
}

// Stuffing and fill bytes, and restart markers, by which a decoder resynchronizes in damaged data.
const startsNoSegment = (marker: number): boolean =>
  marker === 0 || marker === 0xff || marker === TEM || (marker >= RST0 && marker <= SOI);

const isFrame = (marker: number): boolean =>
  marker >= SOF0 && marker < RST0 && marker !== DHT && marker !== JPG && marker !== DAC;

async function readFrame(windows: Windows, { marker, at }: Segment, raw: RawHeader): Promise<Frame> {
  const bytes = await windows.at(at, 6);
  raw.height = readUint(bytes.subarray(1, 3));
  raw.width = readUint(bytes.subarray(3, 5));
  // The height would follow the first scan (DNL), and a decoder may allocate memory before that.
  if (raw.height === 0) throw new Rejected("unsupported");
  return { components: bytes[5] ?? 0, progressive: marker % 4 === SOF2 % 4 };
}

async function readSegment(windows: Windows, { marker, at, length }: Segment, raw: RawHeader): Promise<void> {
  if (marker === COM) raw.carries.add("comment");
  if (marker < APP0 || marker > APP15) return;
  const start = latin1(await windows.at(at, Math.min(length, 36)));
  const rest = (from: number) => windows.at(at + from, Math.min(length - from, BLOCK_BYTES));
  if (marker === APP1 && start.startsWith("Exif\0")) keep(raw, "exif", await rest(6));
  else if (marker === APP1 && start.startsWith("http://ns.adobe.com/xap/1.0/\0")) keep(raw, "xmp", await rest(29));
  else if (marker === APP1 && start.startsWith("http://ns.adobe.com/xmp/extension/\0"))
    keep(raw, "xmp", await rest(75));
  else if (marker === APP2 && start.startsWith("ICC_PROFILE\0")) raw.icc ??= (await rest(14)).slice();
  else if (marker === APP2 && start.startsWith("MPF\0")) raw.carries.add("trailer");
  else if (marker === APP13 && start.startsWith("Photoshop 3.0\0")) {
    raw.carries.add(latin1(await rest(14)).includes("8BIM\x04\x04") ? "iptc" : "metadata");
  } else if (marker === APP0 && start.startsWith("JFXX\0")) raw.carries.add("thumbnail");
  else if (marker !== APP0 && marker !== APP14) raw.carries.add("metadata");
}

/**
 * Checks what follows the header of the first scan. If that scan has all components and is not progressive, a decoder
 * reads nothing after it, so the last bytes of the file suffice to see whether the picture ends there.
 */
async function readScans(windows: Windows, raw: RawHeader, frame: Frame | undefined, components: number, at: number) {
  if (!frame) throw new Rejected("corrupt");
  if (!frame.progressive && components === frame.components) {
    const tail = latin1(await windows.at(Math.max(at, windows.size - 8), 8));
    const isWhole = tail.endsWith("\xff\xd9");
    if (isWhole && tail.startsWith("\xff\xdc\0\x04")) throw new Rejected("unsupported"); // DNL and EOI at the very end.
    if (isWhole) return;
  }
  const end = await endOfScans(windows, raw, at);
  if (end === undefined || end >= windows.size) return;
  raw.carries.add("trailer");
  if (latin1(await windows.at(end, BEFORE_VIDEO_BYTES)).includes("ftyp")) raw.carries.add("motion_video");
}

/** Returns where the picture ends, or undefined if the file ends before it. */
async function endOfScans(windows: Windows, raw: RawHeader, at: number): Promise<number | undefined> {
  let [scans, segments] = [1, 0];
  for (let bytes = await windows.from(at, 2); bytes.length > 1; bytes = await windows.from(at, 2)) {
    const found = markerIn(bytes);
    at += found ?? bytes.length - (bytes.at(-1) === 0xff ? 1 : 0);
    if (found === undefined) continue;
    const [, marker, ...length] = await windows.at(at, 4);
    if (marker === EOI) return at + 2;
    if (marker === DNL) throw new Rejected("unsupported");
    if (marker === COM) raw.carries.add("comment");
    if (marker === SOS && (scans += 1) > SCANS_MAX) throw new Rejected("too_many_scans");
    if ((segments += 1) > JPEG_SEGMENTS_MAX) throw new Rejected("too_many_segments");
    at += 2 + Math.max(2, readUint(new Uint8Array(length)));
  }
  return undefined;
}

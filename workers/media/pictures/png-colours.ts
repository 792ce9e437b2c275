/**
 * Makes the colours of a PNG readable. A PNG may name its colour space by numbers (cICP), and decoders that do not know them
 * take a picture for sRGB: one of Display P3 loses colour, and one in HDR turns grey. They all know ICC profiles. So an equal
 * profile takes the place of the numbers while the file streams into the decoder. Nothing is decoded here.
 */
import { concatBytes, readUint } from "../../../schema/bytes.ts";
import { latin1 } from "../bytes/fields.ts";
import { iccProfileOf } from "./icc-profile.ts";
import { chunk, CHUNK_BYTES, SIGNATURE } from "./formats/png-chunks.ts";

/** A file with more bytes before its pixels is passed on as it is. */
const HELD_MAX = 1024 * 1024;
/** The pixels, and what must come before them but after the colours. */
const COLOURS_END = new Set(["PLTE", "IDAT"]);
/** Chunks that would contradict the profile. */
const REPLACED = new Set(["cICP", "iCCP", "sRGB", "gAMA", "cHRM", "mDCV", "cLLI"]);

/** Passes a file on, a PNG with an ICC profile in place of a cICP chunk. Holds at most 1 MB and a part of the stream. */
export function withIccProfile(): TransformStream<Uint8Array, Uint8Array> {
  let held: Uint8Array | undefined = new Uint8Array();
  const walk: Walk = { chunks: [], at: SIGNATURE.length, isAtPixels: false };
  return new TransformStream({
    async transform(part, controller) {
      if (!held) {
        controller.enqueue(part);
        return;
      }
      held = concatBytes([held, part]);
      const isPng = mayBePng(held);
      if (isPng) advance(walk, held);
      if (isPng && !walk.isAtPixels && held.length <= HELD_MAX) return;
      controller.enqueue(await replaced(held, walk));
      held = undefined;
    },
    flush(controller) {
      if (held?.length) controller.enqueue(held);
    },
  });
}

const mayBePng = (bytes: Uint8Array): boolean =>
  SIGNATURE.every((byte, place) => place >= bytes.length || bytes[place] === byte);

type Chunk = { type: string; start: number; end: number };
/** The whole chunks so far, and where the next one begins. */
type Walk = { chunks: Chunk[]; at: number; isAtPixels: boolean };

/** Walks on through the chunks before the pixels, as far as they have arrived. */
function advance(walk: Walk, bytes: Uint8Array): void {
  while (!walk.isAtPixels && walk.at + 8 <= bytes.length) {
    const { at: start } = walk;
    const type = latin1(bytes.subarray(start + 4, start + 8));
    const end = start + CHUNK_BYTES + readUint(bytes.subarray(start, start + 4));
    walk.isAtPixels = COLOURS_END.has(type);
    if (walk.isAtPixels || end > bytes.length) return;
    walk.chunks.push({ type, start, end });
    walk.at = end;
  }
}

async function replaced(bytes: Uint8Array, { chunks, at, isAtPixels }: Walk): Promise<Uint8Array> {
  const [first] = chunks;
  const cicp = chunks.find(({ type }) => type === "cICP");
  if (!isAtPixels || first?.type !== "IHDR" || !cicp) return bytes;
  const [primaries = 0, transfer = 0, matrix, isFullRange] = bytes.subarray(cicp.start + 8, cicp.end - 4);
  const profile = matrix === 0 && isFullRange === 1 ? iccProfileOf(primaries, transfer) : undefined;
  if (!profile) return bytes;
  const kept = chunks.slice(1).filter(({ type }) => !REPLACED.has(type));
  return concatBytes([
    bytes.subarray(0, first.end),
    await iccChunk(profile),
    ...kept.map(({ start, end }) => bytes.subarray(start, end)),
    bytes.subarray(at),
  ]);
}

/** A name, a zero, the method of compression, and the profile. */
async function iccChunk(profile: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const deflated = new Blob([profile]).stream().pipeThrough(new CompressionStream("deflate"));
  const name = Uint8Array.of(0x49, 0x43, 0x43, 0, 0);
  return chunk("iCCP", concatBytes([name, new Uint8Array(await new Response(deflated).arrayBuffer())]));
}

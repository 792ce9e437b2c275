/** A copy of a file that keeps some of its bytes: ranges of the original, and bytes written in between. */
import { BLOCK_BYTES, inBlocks } from "../../bytes/blocks.ts";
import type { ByteSource } from "../../bytes/byte-source.ts";

type Range = { from: number; to: number };

/** How much of a copy is in memory at once, besides the blocks of the original. */
const CHUNK_BYTES = 256 * 1024;

/** Collects what a copy consists of. Neighbouring ranges become one, so a file without metadata has one piece. */
export class Copy {
  readonly pieces: (Uint8Array | Range)[] = [];
  /** The length of the copy. */
  bytes = 0;

  /** Adds the bytes of the original from `from` up to `to`. */
  keep(from: number, to: number): void {
    const last = this.pieces.at(-1);
    this.bytes += to - from;
    if (last && "to" in last && last.to === from) last.to = to;
    else this.pieces.push({ from, to });
  }

  /** Adds other bytes. They may be changed until the copy is read. */
  write(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.pieces.push(bytes);
  }
}

/** Reads the copy in chunks, so that no file is in memory as a whole. Costs one read for each MB of the original. */
export async function* chunksOf({ pieces }: Copy, original: ByteSource): AsyncGenerator<Uint8Array> {
  const source = inBlocks(original, BLOCK_BYTES, 1); // Ten pictures may be copied at once.
  let chunk = new Uint8Array(CHUNK_BYTES);
  let length = 0;
  for (const piece of pieces) {
    const size = "to" in piece ? piece.to - piece.from : piece.length;
    for (let at = 0; at < size;) {
      const wanted = Math.min(CHUNK_BYTES - length, size - at);
      const part = "to" in piece ? await source.read(piece.from + at, wanted) : piece.subarray(at, at + wanted);
      if (part.length < wanted) throw new Error(`the original ends at ${original.size}, within its copy`);
      chunk.set(part, length);
      length += wanted;
      at += wanted;
      if (length < CHUNK_BYTES) continue;
      yield chunk;
      chunk = new Uint8Array(CHUNK_BYTES);
      length = 0;
    }
  }
  if (length > 0) yield chunk.subarray(0, length);
}

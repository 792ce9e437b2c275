/** Reads a file in large blocks and keeps the last ones, so that reading it frame by frame costs few reads of the bucket. */
import type { ByteSource } from "../inspection/byte-source.ts";

export const BLOCK_BYTES = 1024 * 1024;
/** Two tracks that lie apart from each other are read at two places, each somewhere in a block. */
const BLOCKS_KEPT = 6;

export function inBlocks(source: ByteSource, blockBytes = BLOCK_BYTES): ByteSource {
  const kept = new Map<number, Promise<Uint8Array>>(); // In the order of their last use.

  const block = (index: number): Promise<Uint8Array> => {
    const found = kept.get(index) ?? source.read(index * blockBytes, blockBytes);
    kept.delete(index);
    kept.set(index, found);
    const [oldest] = kept.keys();
    if (kept.size > BLOCKS_KEPT && oldest !== undefined) kept.delete(oldest);
    // What has failed is read anew by whoever asks next.
    found.catch(() => kept.delete(index));
    return found;
  };

  return {
    size: source.size,
    async read(offset, length) {
      if (length > blockBytes * BLOCKS_KEPT) return source.read(offset, length);
      const end = Math.min(offset + length, source.size);
      const bytes = new Uint8Array(Math.max(0, end - offset));
      for (let at = offset; at < end;) {
        const index = Math.floor(at / blockBytes);
        const from = at - index * blockBytes;
        const part = (await block(index)).subarray(from, from + end - at);
        if (part.length === 0) throw new Error(`there is nothing at ${at} of ${source.size} bytes`);
        bytes.set(part, at - offset);
        at += part.length;
      }
      return bytes;
    },
  };
}

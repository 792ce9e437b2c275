/** Reads a file in large blocks and caches the latest, so that reading frame by frame costs few reads of the bucket. */
import type { ByteSource } from "./byte-source.ts";

export const BLOCK_BYTES = 1024 * 1024;
/** Two tracks that lie apart are read at two positions, each within some block. */
const BLOCKS_KEPT = 6;

/**
 * Wraps `source` so that it is read in blocks of `blockBytes`, of which the most recently used stay in memory. One is enough
 * for what is read from front to back.
 */
export function inBlocks(source: ByteSource, blockBytes = BLOCK_BYTES, blocksKept = BLOCKS_KEPT): ByteSource {
  const kept = new Map<number, Promise<Uint8Array>>(); // Least recently used first.

  const block = (index: number): Promise<Uint8Array> => {
    const found = kept.get(index) ?? source.read(index * blockBytes, blockBytes);
    kept.delete(index);
    kept.set(index, found);
    const [oldest] = kept.keys();
    if (kept.size > blocksKept && oldest !== undefined) kept.delete(oldest);
    // The next read of a failed block tries again.
    found.catch(() => kept.delete(index));
    return found;
  };

  return {
    size: source.size,
    async read(offset, length) {
      if (length > blockBytes * blocksKept) return source.read(offset, length);
      const end = Math.min(offset + length, source.size);
      const bytes = new Uint8Array(Math.max(0, end - offset));
      for (let at = offset; at < end;) {
        const index = Math.floor(at / blockBytes);
        const from = at - index * blockBytes;
        const part = (await block(index)).subarray(from, from + end - at);
        if (part.length === 0) throw new Error(`no data at ${at} of ${source.size} bytes`);
        bytes.set(part, at - offset);
        at += part.length;
      }
      return bytes;
    },
  };
}

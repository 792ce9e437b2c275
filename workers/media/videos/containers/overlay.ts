/** Builds the view of a file that the demuxer reads: some ranges are replaced by checked bytes, others unchanged. */
import type { ByteSource } from "../../bytes/byte-source.ts";

export type Patch = { offset: number; bytes: Uint8Array };

/** Replaces ranges of `source` by `patches`, sorted by offset and disjoint. One beyond the end extends the file. */
export function patched(source: ByteSource, patches: Patch[]): ByteSource {
  const ends = patches.map(({ offset, bytes }) => offset + bytes.length);
  const size = Math.max(source.size, ends.at(-1) ?? 0);
  return {
    size,
    async read(offset, length) {
      const end = Math.min(offset + length, size);
      if (end <= offset) return new Uint8Array();
      const first = firstAbove(ends, offset);
      const only = patches[first];
      if (only && only.offset <= offset && end <= only.offset + only.bytes.length) {
        return new Uint8Array(only.bytes.subarray(offset - only.offset, end - only.offset));
      }
      const bytes = new Uint8Array(end - offset);
      bytes.set(await source.read(offset, end - offset));
      for (const patch of patches.slice(first)) {
        if (patch.offset >= end) break;
        const from = Math.max(offset, patch.offset);
        const part = patch.bytes.subarray(from - patch.offset, end - patch.offset);
        bytes.set(part, from - offset);
      }
      return bytes;
    },
  };
}

// Returns the index of the first of the ascending `numbers` that is above `limit`.
function firstAbove(numbers: number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? Infinity) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Returns `head` followed by the bytes of `source` from `from` to `to`. */
export const spliced = (head: Uint8Array, source: ByteSource, from: number, to: number): ByteSource => ({
  size: head.length + (to - from),
  async read(offset, length) {
    const end = Math.min(offset + length, head.length + (to - from));
    if (end <= offset) return new Uint8Array();
    if (end <= head.length) return new Uint8Array(head.subarray(offset, end));
    const after = Math.max(offset, head.length);
    const tail = await source.read(from + after - head.length, end - after);
    if (after === offset) return tail;
    const bytes = new Uint8Array(end - offset);
    bytes.set(head.subarray(offset));
    bytes.set(tail, after - offset);
    return bytes;
  },
});

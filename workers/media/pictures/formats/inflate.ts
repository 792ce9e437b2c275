import { BLOCK_BYTES } from "./raw-header.ts";

/** Inflates at most BLOCK_BYTES, so that a bomb does no harm. Returns no bytes if the data is damaged. */
export async function inflated(deflated: Uint8Array): Promise<Uint8Array> {
  const reader = new Blob([deflated.slice()]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const beginning = new Uint8Array(BLOCK_BYTES);
  let length = 0;
  try {
    for (let next = await reader.read(); !next.done && length < BLOCK_BYTES; next = await reader.read()) {
      const part = next.value.subarray(0, BLOCK_BYTES - length);
      beginning.set(part, length);
      length += part.length;
    }
    return beginning.subarray(0, length);
  } catch {
    return new Uint8Array();
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** More than any colour profile has, and nearly any XMP. A bomb ends here, and its chunk counts as unread. In bytes. */
const INFLATED_MAX = 256 * 1024;

/** What `deflated` contains; nothing if it is damaged or too much. */
export async function inflated(deflated: Uint8Array): Promise<Uint8Array> {
  const reader = new Blob([deflated.slice()]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const all = new Uint8Array(INFLATED_MAX);
  let length = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      all.set(next.value, length); // Throws what is too much.
      length += next.value.length;
    }
    return all.subarray(0, length);
  } catch {
    await reader.cancel().catch(() => undefined);
    return new Uint8Array();
  }
}

/** Streams ZIP files. Nothing is compressed: pictures and videos are already, and it would cost CPU. */
import { Zip, ZipPassThrough } from "fflate";

/** `at`: the time of the file, in ms since 1970. */
export type ZipEntry = { name: string; at: number; body: AsyncIterable<Uint8Array> };

/** The sizes of what a ZIP holds besides the names and contents of its entries, in bytes. */
const PER_ENTRY = 30 + 16 + 46;
const AT_THE_END = 22;
const encoder = new TextEncoder();

/** Returns the size of a ZIP of entries with these names and sizes, in bytes. */
export const zipSize = (entries: readonly { name: string; size: number }[]): number =>
  entries.reduce((sum, { name, size }) => sum + PER_ENTRY + 2 * encoder.encode(name).length + size, AT_THE_END);

/**
 * Returns the chunks of a ZIP. It holds one chunk of one entry at a time. The caller keeps it below 4 GB and 65,535
 * entries, so it never needs ZIP64, which some programs cannot read.
 */
export async function* zipped(entries: AsyncIterable<ZipEntry> | Iterable<ZipEntry>): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, chunk) => {
    if (error) failure = error;
    else if (chunk.length > 0) ready.push(chunk);
  });
  function* taken(): Generator<Uint8Array> {
    if (failure) throw failure;
    yield* ready.splice(0);
  }
  for await (const { name, at, body } of entries) {
    const file = new ZipPassThrough(name);
    file.mtime = at;
    zip.add(file);
    for await (const chunk of body) {
      file.push(chunk);
      yield* taken();
    }
    file.push(new Uint8Array(), true);
    yield* taken();
  }
  zip.end();
  yield* taken();
}

/** Returns the chunks without the first `bytes` bytes of them. */
export async function* skipping(chunks: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (chunk.length > left) yield left > 0 ? chunk.subarray(left) : chunk;
    left = Math.max(0, left - chunk.length);
  }
}

/** Returns a stream that takes chunks as they are read. `onEnd` runs once, however it ends. */
export function streamOf(chunks: AsyncGenerator<Uint8Array>, onEnd: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (done !== true) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      onEnd();
    },
    async cancel() {
      onEnd();
      await chunks.return(undefined);
    },
  });
}

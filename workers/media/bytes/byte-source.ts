/** Reads a file by ranges, never as a whole, and within limits. */
import { Rejected } from "../files/rejections.ts";

export type ByteSource = {
  /** In bytes. */
  readonly size: number;
  /** Returns `length` bytes from `offset` on; fewer at the end of the file. */
  read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
};

/** Reads an object in the bucket. Its row promises it, so a missing object is an error of this service. */
export const storedBytes = (env: Env, key: string, size: number): ByteSource => ({
  size,
  async read(offset, length) {
    const wanted = Math.min(length, size - offset);
    if (wanted <= 0) return new Uint8Array();
    const object = await env.MEDIA.get(key, { range: { offset, length: wanted } });
    if (!object) throw new Error(`${key} is missing`);
    return new Uint8Array(await object.arrayBuffer());
  },
});

/** Reads a file that is in memory. */
export const bytesInMemory = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
});

/** Counts the bytes and reads, and rejects the file (`too_complex`) once they exceed what a file of its kind needs. */
export class Metered implements ByteSource {
  readonly size: number;
  bytesRead = 0;
  reads = 0;
  readonly #source: ByteSource;
  readonly #bytesMax: number;
  readonly #readsMax: number;

  constructor(source: ByteSource, bytesMax: number, readsMax: number) {
    this.#source = source;
    this.size = source.size;
    this.#bytesMax = bytesMax;
    this.#readsMax = readsMax;
  }

  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    this.reads += 1;
    this.bytesRead += Math.max(0, Math.min(length, this.size - offset));
    if (this.reads > this.#readsMax || this.bytesRead > this.#bytesMax)
      return Promise.reject(new Rejected("too_complex"));
    return this.#source.read(offset, length);
  }
}

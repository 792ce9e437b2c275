import { concatBytes } from "../../../schema/bytes.ts";

/** Reads a stream in pieces of chosen lengths. */
export class ByteQueue {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #bytes = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Takes `length` bytes; fewer at the end of the stream. */
  async take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (let left = length; left > 0;) {
      const part = await this.some(left);
      if (part.length === 0) break;
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : concatBytes(parts);
  }

  /** Takes at least one byte and at most `length`; none at the end of the stream. */
  async some(length: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#bytes.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return new Uint8Array();
      this.#bytes = value as Uint8Array<ArrayBuffer>; // Streams do not share their memory.
    }
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(taken.length);
    return taken;
  }

  /** Ends the stream, whose rest nobody needs. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }
}

/** Returns a stream of parts, each of which is made when it is read. */
export function streamOf(
  parts: Iterator<Uint8Array<ArrayBuffer>> | AsyncIterator<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await parts.return?.();
    },
  });
}

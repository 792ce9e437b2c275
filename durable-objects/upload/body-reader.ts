/** The size of one read. */
const READ_BYTES = 128 * 1024;

/** Thrown when a body ends early: its sender is gone, or the read was stopped. */
export class CutOff extends Error {}

/** Reads a body chunk by chunk, until it ends or `stop` aborts. */
export class BodyReader {
  readonly #reader: ReadableStreamBYOBReader | undefined;
  readonly #stop: AbortSignal;
  #buffer = new ArrayBuffer(READ_BYTES);

  constructor(body: ReadableStream | null, stop: AbortSignal) {
    this.#reader = body?.getReader({ mode: "byob" });
    this.#stop = stop;
    // The chunk that a read waits for may never come.
    stop.addEventListener("abort", () => void this.cancel());
  }

  /** Returns the next chunk, valid until the next call; undefined at the end. Throws `CutOff`. */
  async read(): Promise<Uint8Array | undefined> {
    if (!this.#reader) return undefined;
    const { value } = await this.#reader.read(new Uint8Array(this.#buffer)).catch((error: unknown) => {
      throw new CutOff("the body ended early", { cause: error });
    });
    if (this.#stop.aborted) throw new CutOff("the read was stopped");
    if (!value || value.length === 0) return undefined;
    this.#buffer = value.buffer;
    return value;
  }

  /** Signals to the sender that the rest of the body is not read. */
  async cancel(): Promise<void> {
    await this.#reader?.cancel().catch(() => undefined);
  }
}

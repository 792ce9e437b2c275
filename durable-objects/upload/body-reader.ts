/** As much as is read at once. */
const READ_BYTES = 128 * 1024;

/** The body ended before its time: its sender is gone, or was told to stop. */
export class CutOff extends Error {}

/** Reads a body chunk by chunk, until its end or until it is to stop. */
export class BodyReader {
  readonly #reader: ReadableStreamBYOBReader | undefined;
  readonly #stop: AbortSignal;
  #buffer = new ArrayBuffer(READ_BYTES);

  constructor(body: ReadableStream | null, stop: AbortSignal) {
    this.#reader = body?.getReader({ mode: "byob" });
    this.#stop = stop;
    // What is waited for now may never come.
    stop.addEventListener("abort", () => void this.cancel());
  }

  /** The next chunk, good until the next call; undefined at the end. Throws `CutOff`. */
  async read(): Promise<Uint8Array | undefined> {
    if (!this.#reader) return undefined;
    const { value } = await this.#reader.read(new Uint8Array(this.#buffer)).catch((error: unknown) => {
      throw new CutOff("the body broke off", { cause: error });
    });
    if (this.#stop.aborted) throw new CutOff("the body is not wanted any more");
    if (!value || value.length === 0) return undefined;
    this.#buffer = value.buffer;
    return value;
  }

  /** Tells the sender that no more is read. */
  async cancel(): Promise<void> {
    await this.#reader?.cancel().catch(() => undefined);
  }
}

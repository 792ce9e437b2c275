/** Characters that wait for a reader. */
const WAITING_MAX = 256_000;

type Output = NodeJS.WriteStream & { _handle?: { setBlocking?: (blocks: boolean) => void } };

/**
 * Writes text for a person whose terminal or pipe may stop reading, for example because of Ctrl-S. Node would wait for
 * such a terminal, or collect all text in memory. Either could stop the server: while Node waits, nobody reads what
 * workerd logs, and workerd waits as well. So text that nobody reads is left out, and later counted in one line.
 */
export class StoppableOutput {
  readonly #output: Output;
  #leftOut = 0;

  constructor(output: Output) {
    this.#output = output;
    // There is no public way; without it, terminals block.
    output._handle?.setBlocking?.(false); // oxlint-disable-line no-underscore-dangle -- The name is Node's.
    output.on("error", () => undefined); // The reader is gone. The server goes on.
  }

  write(text: string): void {
    if (this.#output.writableLength > WAITING_MAX) {
      this.#leftOut += 1;
      return;
    }
    if (this.#leftOut > 0) this.#output.write(`[warn] ${this.#leftOut} messages left out, because nobody read them\n`);
    this.#leftOut = 0;
    this.#output.write(text);
  }
}

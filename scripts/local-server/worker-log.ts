import { StoppableOutput } from "../process/stoppable-output.ts";

type Line = { level: string; message: string };

/**
 * Prints warnings and errors of the Worker and its runtime. Until the server is up it holds them back, because the last
 * of them says why a start failed, which Miniflare's own error does not.
 */
export class WorkerLog {
  readonly #output = new StoppableOutput(process.stderr);
  #held: Line[] | undefined = [];

  /** Prints a warning or an error, or holds it back until the server is up. Ignores other levels. */
  write(line: Line): void {
    if (line.level !== "warn" && line.level !== "error") return;
    if (this.#held === undefined) this.#output.write(`[${line.level}] ${withoutStack(line.message)}\n`);
    else if (this.#held.push(line) > HELD_MAX) this.#held.shift();
  }

  /** Prints what was held back, and from now on every line at once. */
  started(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const line of held) this.write(line);
  }

  /** The runtime's reason for a failed start: the last error that was held back. */
  get reason(): string | undefined {
    const last = this.#held?.findLast(({ level }) => level === "error");
    return last && withoutStack(last.message);
  }
}

/** The number of lines that are held back. */
const HELD_MAX = 1000;

// workerd's own errors carry stacks of machine addresses, which are of no use to the reader.
const withoutStack = (message: string): string =>
  message.replace(/\nstack: \/.*$/su, "").replace(/^\*\*\* Uncaught exception \*\*\*\n/u, "");

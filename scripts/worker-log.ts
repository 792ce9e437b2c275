type Line = { level: string; message: string };

/**
 * Warnings and errors of the Worker and its runtime, for the terminal. Until the server is up they are held back, because
 * the last of them is why it does not come up, and Miniflare's own error does not repeat it.
 */
export class WorkerLog {
  #held: Line[] | undefined = [];

  write(line: Line): void {
    if (line.level !== "warn" && line.level !== "error") return;
    if (this.#held) this.#held.push(line);
    else console.error(`[${line.level}] ${withoutStack(line.message)}`);
  }

  started(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const line of held) this.write(line);
  }

  /** Why the server does not come up, in the runtime's own words. */
  get reason(): string | undefined {
    const last = this.#held?.findLast(({ level }) => level === "error");
    return last && withoutStack(last.message);
  }
}

// workerd's own failures come with addresses of its machine code, which say nothing here.
const withoutStack = (message: string): string =>
  message.replace(/\nstack: \/.*$/su, "").replace(/^\*\*\* Uncaught exception \*\*\*\n/u, "");

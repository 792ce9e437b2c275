/** Makes system calls of a running process fail as on a broken disk, by strace's fault injection. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ATTACHES_WITHIN = 10_000;

export type Failing = {
  call: "fsync" | "pread64" | "pwrite64";
  error: "EIO" | "ENOSPC";
  /** Per thread, the first of every `oneIn` calls fails. */
  oneIn: number;
};

export class FailingCalls {
  readonly #strace: ChildProcess;
  readonly #folder: string;

  private constructor(strace: ChildProcess, folder: string) {
    this.#strace = strace;
    this.#folder = folder;
  }

  /** Why calls cannot be made to fail on this machine; undefined if they can. */
  static whyNot(): string | undefined {
    if (process.platform !== "linux") return "it needs Linux";
    const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 300)"]);
    const inject = ["-e", "trace=fsync", "-e", "inject=fsync:error=EIO", "-o", "/dev/null"];
    const { error, status, stderr } = spawnSync("strace", [...inject, "-p", String(other.pid)], { encoding: "utf8" });
    if (error) return `strace cannot be run: ${error.message}`;
    return status === 0 ? undefined : `strace may not trace other processes: ${stderr.trim()}`;
  }

  /** Resolves once calls of the process fail: only those on `files`, if any are given. */
  static async begin(pid: number, failing: Failing[], files: string[] = []): Promise<FailingCalls> {
    const folder = mkdtempSync(join(tmpdir(), "shutterline-calls-"));
    const which = failing.flatMap(({ call, error, oneIn }) => ["-e", `inject=${call}:error=${error}:when=1+${oneIn}`]);
    const traced = ["-e", `trace=${failing.map(({ call }) => call).join(",")}`];
    const where = [...files.flatMap((file) => ["-P", file]), "-f", "-p", String(pid), "-o", join(folder, "calls")];
    const strace = spawn("strace", [...traced, ...which, ...where], { stdio: ["ignore", "ignore", "pipe"] });
    // A test that fails early must not leave strace behind, injecting more failures.
    const stop = () => strace.kill();
    process.once("exit", stop);
    strace.once("exit", () => process.off("exit", stop));
    let said = "";
    strace.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const deadline = Date.now() + ATTACHES_WITHIN;
    while (!said.includes("attached")) {
      if (strace.exitCode !== null || Date.now() > deadline) throw new Error(`strace does not attach: ${said}`);
      await sleep(10);
    }
    return new FailingCalls(strace, folder);
  }

  /** Stops the failures. Returns how many calls of each kind have failed. */
  async end(): Promise<Record<Failing["call"], number>> {
    const ended = once(this.#strace, "exit");
    if (this.#strace.exitCode === null) this.#strace.kill("SIGINT");
    else throw new Error("strace has ended before it was told to");
    await ended;
    const failed = { fsync: 0, pread64: 0, pwrite64: 0 };
    const lines = readFileSync(join(this.#folder, "calls"), "utf8").split("\n");
    for (const line of lines.filter((line) => line.endsWith("(INJECTED)"))) {
      for (const call of ["fsync", "pread64", "pwrite64"] as const) if (line.includes(call)) failed[call] += 1;
    }
    rmSync(this.#folder, { recursive: true });
    return failed;
  }
}

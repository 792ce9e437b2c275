/** Counts workerd's fsyncs with strace. That slows workerd down, so never measure times meanwhile. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { distributionOf } from "./percentiles.ts";

/** The fsyncs of post actors, of D1 and of the rest (alarms), and the median duration of one in ms. */
export type Fsyncs = { actor: number; d1: number; other: number; p50: number };

/** Runs `work` and counts the fsyncs of process `pid` meanwhile. `fsyncs` is the reason if they cannot be counted. */
export async function withFsyncs<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ result: T; fsyncs: Fsyncs | string }> {
  const folder = mkdtempSync(join(tmpdir(), "shutterline-strace-"));
  const trace = join(folder, "trace");
  const strace = spawn("strace", ["-f", "-y", "-T", "-e", "trace=fsync,fdatasync", "-o", trace, "-p", String(pid)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const obstacle = await attached(strace);
    const result = await work();
    if (obstacle !== undefined) return { result, fsyncs: obstacle };
    const ended = once(strace, "exit");
    strace.kill("SIGINT");
    await ended;
    return { result, fsyncs: parse(readFileSync(trace, "utf8")) };
  } finally {
    strace.kill();
    rmSync(folder, { recursive: true });
  }
}

/** Waits until strace is attached. Returns the reason if that fails. */
function attached(strace: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    strace.once("error", () => resolve("strace is not installed"));
    strace.stderr?.once("data", (said: Buffer) => {
      const text = said.toString().trim();
      resolve(text.includes("attached") ? undefined : text);
    });
  });
}

function parse(trace: string): Fsyncs {
  const files = [...trace.matchAll(/f(?:data)?sync\(\d+<([^>]*)>/g)].map(([, file = ""]) => file);
  const actor = files.filter((file) => /-PostActor\/[0-9a-f]{64}/.test(file)).length;
  const d1 = files.filter((file) => file.includes("/d1/")).length;
  const times = [...trace.matchAll(/<(\d+\.\d+)>$/gm)].map(([, seconds]) => Number(seconds) * 1000);
  return { actor, d1, other: files.length - actor - d1, p50: distributionOf(times).p50 };
}

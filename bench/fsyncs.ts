/** How often workerd waits for the disk, by strace: it slows what it watches, so never while time is taken. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { distributionOf } from "./distribution.ts";

/** Of posts' actors, of D1, and of the rest (alarms); and the median of one, in ms. */
export type Fsyncs = { actor: number; d1: number; other: number; p50: number };

/** Runs `work`, and counts what process `pid` syncs meanwhile, or says why it cannot. */
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
    const hindrance = await attached(strace);
    const result = await work();
    if (hindrance !== undefined) return { result, fsyncs: hindrance };
    const ended = once(strace, "exit");
    strace.kill("SIGINT");
    await ended;
    return { result, fsyncs: parse(readFileSync(trace, "utf8")) };
  } finally {
    strace.kill();
    rmSync(folder, { recursive: true });
  }
}

/** Resolves with what hinders it, or with nothing once it is there. */
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

import { readFileSync } from "node:fs";

const MB = 1_000_000;

/** Returns the resident memory of a process, in MB. Needs /proc. */
export function residentMemory(pid: number): number {
  const [, kb] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return (Number(kb) * 1024) / MB;
}

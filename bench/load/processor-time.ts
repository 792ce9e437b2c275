import { existsSync, readFileSync } from "node:fs";

/** The kernel's clock ticks on Linux, on x64 and arm64. */
const TICKS_PER_SECOND = 100;

/** Returns the CPU time of a process so far, over all its threads, in ms; NaN where there is no /proc. */
export function processorTime(pid: number): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return Number.NaN;
  // The name in parentheses may contain spaces; user and system time are the 12th and 13th fields after it.
  const fields = readFileSync(file, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

import { existsSync, readFileSync } from "node:fs";

/** On Linux, of x64 and arm64. */
const TICKS_A_SECOND = 100;

/** How many ms of a processor a process has taken so far, all its threads together; NaN where there is no /proc. */
export function processorTime(pid: number): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return Number.NaN;
  // The name in parentheses may hold spaces; user and system time are the 12th and 13th after it.
  const fields = readFileSync(file, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_A_SECOND;
}

/** Processes of this machine, identified by pid and start time, because the system reuses pids. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** `started` is the start time in the system's own format; it is only ever compared for equality. */
export type Process = { pid: number; started: string; command: string };
type Listed = Process & { parent: number };

const KILL_TIMEOUT = 5000; // ms

/** Returns the process with this pid, or undefined if there is none. */
export function findProcess(pid: number): Process | undefined {
  const found = process.platform === "linux" ? fromProc(pid) : list().find((process) => process.pid === pid);
  return found && withoutParent(found);
}

/** Returns the children of `pid`, and their descendants. */
export function descendantsOf(pid: number): Process[] {
  const all = list();
  const below = (parent: number): Listed[] =>
    all.filter((process) => process.parent === parent).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid).map(withoutParent);
}

/** Returns the ancestors of `pid`, its parent first. */
export function ancestorsOf(pid: number): Process[] {
  const all = list();
  const above = (pid: number): Listed[] => {
    const child = all.find((process) => process.pid === pid);
    const parent = all.find((process) => process.pid === child?.parent);
    return parent ? [parent, ...above(parent.pid)] : [];
  };
  return above(pid).map(withoutParent);
}

/** Whether this process still runs, as opposed to a later one with the same pid. */
export const isAlive = ({ pid, started }: Process): boolean => findProcess(pid)?.started === started;

/** Kills those of `processes` that still run, with their descendants, and waits until their ports are free. */
export async function killAll(processes: Process[]): Promise<void> {
  const ending = processes.filter(isAlive).flatMap((process) => [process, ...descendantsOf(process.pid)]);
  for (const process of ending) kill(process);
  const deadline = Date.now() + KILL_TIMEOUT;
  for (const process of ending) {
    while (isAlive(process)) {
      if (Date.now() > deadline) throw new Error(`process ${process.pid} cannot be killed`);
      await sleep(20);
    }
  }
}

function kill({ pid }: Process): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile. The caller checks which processes are still alive.
  }
}

const withoutParent = ({ pid, started, command }: Listed): Process => ({ pid, started, command });

function list(): Listed[] {
  if (process.platform !== "linux") return fromPs();
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => fromProc(Number(pid)) ?? []);
}

function fromProc(pid: number): Listed | undefined {
  try {
    // "pid (name) state parent ...": the name may contain spaces and parentheses, so the fields are counted from its
    // end.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, parent] = fields;
    // A zombie has ended, and waits for its parent to read the exit code. It holds its ports while any of its other
    // threads is still ending.
    if (state === "Z" && readdirSync(`/proc/${pid}/task`).length === 1) return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, parent: Number(parent), started: fields[19] ?? "", command };
  } catch {
    return undefined; // It does not exist, or ended while it was read.
  }
}

function fromPs(): Listed[] {
  const LINE = /^\s*(\d+)\s+(\d+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/;
  return execFileSync("ps", ["-Ao", "pid=,ppid=,lstart=,command="], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => {
      const [, pid, parent, started = "", command = ""] = LINE.exec(line) ?? [];
      return pid ? [{ pid: Number(pid), parent: Number(parent), started, command }] : [];
    });
}

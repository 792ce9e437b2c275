/** Processes of this machine, told apart by more than their number, which the system gives to the next one. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** `started` is whatever the system says: it is only ever compared with itself. */
export type Process = { pid: number; started: string; command: string };
type Listed = Process & { parent: number };

const GOES_WITHIN = 5000;

export function processOf(pid: number): Process | undefined {
  const found = process.platform === "linux" ? fromProc(pid) : list().find((process) => process.pid === pid);
  return found && withoutParent(found);
}

/** The children of `pid`, and theirs. */
export function descendantsOf(pid: number): Process[] {
  const all = list();
  const below = (parent: number): Listed[] =>
    all.filter((process) => process.parent === parent).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid).map(withoutParent);
}

/** The parent of `pid` first, and then upwards. */
export function ancestorsOf(pid: number): Process[] {
  const all = list();
  const above = (pid: number): Listed[] => {
    const child = all.find((process) => process.pid === pid);
    const parent = all.find((process) => process.pid === child?.parent);
    return parent ? [parent, ...above(parent.pid)] : [];
  };
  return above(pid).map(withoutParent);
}

/** Whether this very process still runs, and not another one that got its number. */
export const isAlive = ({ pid, started }: Process): boolean => processOf(pid)?.started === started;

/** Kills those of `processes` that still run, with all they started, and waits until their ports are free. */
export async function end(processes: Process[]): Promise<void> {
  const ending = processes.filter(isAlive).flatMap((process) => [process, ...descendantsOf(process.pid)]);
  for (const process of ending) kill(process);
  const deadline = Date.now() + GOES_WITHIN;
  for (const process of ending) {
    while (isAlive(process)) {
      if (Date.now() > deadline) throw new Error(`process ${process.pid} cannot be ended`);
      await sleep(20);
    }
  }
}

function kill({ pid }: Process): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself in the meantime; whoever is alive afterwards is found by the caller.
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
    // "pid (name) state parent ...": the name may hold spaces and brackets, so the fields count from its end.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, parent] = fields;
    // A zombie has ended, and its parent has not asked for its exit code yet. While other threads of it are still ending,
    // it holds its ports.
    if (state === "Z" && readdirSync(`/proc/${pid}/task`).length === 1) return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, parent: Number(parent), started: fields[19] ?? "", command };
  } catch {
    return undefined; // There is none, or it ended while this was read.
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

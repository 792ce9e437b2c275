/** Stores that fail on demand: they throw, respond late, or never respond. */
import { isAtPrimary, type StoreCall, withCalls } from "./calls.ts";

export type Fault = "throws" | "hangs" | { delay: number };
/** `primary`: of whatever goes to the primary of a database, reads included. */
export type Faults = { primary?: Fault; reads?: Fault; writes?: Fault; kv?: Fault; queues?: Fault };

/**
 * Returns `env` with databases, KV and queues that fail as `faults` says at the time of the call. `failed` counts those
 * calls.
 */
export function withFaults(env: Env, faults: Faults): { env: Env; failed: () => number } {
  let failed = 0;
  const faulty = withCalls(env, async (call, go) => {
    const fault = faultOf(call, faults);
    if (fault === undefined) return go();
    failed += 1;
    if (fault === "throws") throw new Error("D1_ERROR: Network connection lost.");
    if (fault === "hangs") return new Promise(() => undefined);
    await new Promise((resolve) => {
      setTimeout(resolve, fault.delay);
    });
    return go();
  });
  return { env: faulty, failed: () => failed };
}

function faultOf(call: StoreCall, faults: Faults): Fault | undefined {
  const { store, writes } = call;
  if (store === "d1")
    return (isAtPrimary(call) ? faults.primary : undefined) ?? (writes ? faults.writes : faults.reads);
  if (store === "kv") return faults.kv;
  return store === "queue" ? faults.queues : undefined;
}

import { setTimeout as sleep } from "node:timers/promises";

/**
 * Repeats `check` until it no longer throws, for effects that follow a write. Returns how long that took, in ms. After
 * `within` ms it throws the last failure.
 */
export async function eventually(check: () => Promise<void>, within: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    try {
      await check();
      return performance.now() - started;
    } catch (error) {
      if (performance.now() - started > within) throw error;
      await sleep(50);
    }
  }
}

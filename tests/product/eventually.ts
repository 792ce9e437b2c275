import { setTimeout as sleep } from "node:timers/promises";

/**
 * Repeats `check` until it throws no more, for what follows a write by itself. Returns how long that took, in ms. The last
 * failure is thrown when `within` has passed.
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

/** Miniflare knows a Worker's crons and never runs them. */
import type { Miniflare } from "miniflare";

const EVERY = 10_000; // ms

/**
 * Runs each of `crons` now, which recovers what the last server had left undone, and then every 10 s: more often
 * than it says, because local queues forget what a kill interrupts, and whoever just started again is looking. A cron of
 * Shutterline is a sweep, and one too many finds nothing to do.
 */
export function runCrons(miniflare: Miniflare, crons: string[]): { stop: () => void } {
  const run = async () => {
    const worker = await miniflare.getWorker();
    for (const cron of crons) {
      const { outcome } = await worker.scheduled({ cron, scheduledTime: new Date() });
      if (outcome !== "ok") console.error(`[error] the cron "${cron}" ended with: ${outcome}`);
    }
  };
  // What a cron throws becomes an outcome. What fails here is a runtime that is just being stopped or started.
  const runSafely = () => void run().catch(() => undefined);
  runSafely();
  const timer = setInterval(runSafely, EVERY);
  return { stop: () => clearInterval(timer) };
}

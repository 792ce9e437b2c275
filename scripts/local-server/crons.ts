/** Runs the Worker's crons, which Miniflare parses but never runs. */
import type { Miniflare } from "miniflare";

const EVERY = 10_000; // ms

/**
 * Runs each of `crons` at once, which recovers the work that the last server left unfinished, and then every 10 s. That
 * is more often than their schedules say, because local queues lose what a kill interrupts and a developer is waiting
 * to see it. Shutterline's crons are sweeps, so an extra run finds nothing to do.
 */
export function runCrons(miniflare: Miniflare, crons: string[]): { stop: () => void } {
  const run = async () => {
    const worker = await miniflare.getWorker();
    for (const cron of crons) {
      const { outcome } = await worker.scheduled({ cron, scheduledTime: new Date() });
      if (outcome !== "ok") console.error(`[error] cron "${cron}" failed: ${outcome}`);
    }
  };
  // An exception in a cron becomes its outcome. A rejection here means that the runtime is just stopping or starting.
  const runSafely = () => void run().catch(() => undefined);
  runSafely();
  const timer = setInterval(runSafely, EVERY);
  return { stop: () => clearInterval(timer) };
}

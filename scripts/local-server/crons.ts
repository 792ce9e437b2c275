/** Runs the Worker's crons, which Miniflare parses but never runs. */
import type { Tools } from "./tools.ts";

const EVERY = 10_000; // ms

/**
 * Runs each of `crons` at once, which recovers the work that the last server left unfinished, and then every 10 s. That
 * is more often than their schedules say, because local queues lose what a kill interrupts and a developer is waiting
 * to see it. Shutterline's crons are sweeps, so an extra run finds nothing to do.
 */
export function runCrons(tools: Tools, crons: readonly string[], report: (failure: string) => void): () => void {
  const run = async () => {
    for (const cron of crons) {
      const outcome = await tools.runCron(cron);
      if (outcome !== "ok") report(`cron "${cron}" failed: ${outcome}`);
    }
  };
  // An exception in a cron becomes its outcome. A rejection here means that the runtime is just stopping or starting.
  const runSafely = () => void run().catch(() => undefined);
  runSafely();
  const timer = setInterval(runSafely, EVERY);
  return () => clearInterval(timer);
}

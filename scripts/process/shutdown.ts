import { ancestorsOf, isAlive } from "./processes.ts";

const NPM_IS_CHECKED_EVERY = 500;

/**
 * Calls `stop` when this process is asked to end: by a signal, or by the end of the npm that started it, because npm or
 * the shell in between may not pass a signal on. Cleanup belongs in the "exit" event, in which Miniflare kills its
 * workerd. That loses nothing, because everything acknowledged is already on disk.
 */
export function whenAskedToStop(stop: () => void = () => process.exit(0)): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  const npm = ancestorsOf(process.pid).find(({ command }) => /^npm\b|\bnpm-cli\.js\b/.test(command));
  if (npm) setInterval(() => isAlive(npm) || stop(), NPM_IS_CHECKED_EVERY).unref();
}

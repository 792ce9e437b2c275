import { ancestorsOf, isAlive } from "./processes.ts";

const NPM_IS_CHECKED_EVERY = 500;

/**
 * Calls `stop` when this process is asked to end: by a signal, or by the end of the npm that started it, because a signal
 * to npm, or to the shell between, may not be handed on. What must end with this process does so in its "exit" event:
 * Miniflare kills its workerd there. Nothing is lost by that, because what was acknowledged is on the disk already.
 */
export function whenAskedToStop(stop: () => void = () => process.exit(0)): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  const npm = ancestorsOf(process.pid).find(({ command }) => /^npm\b|\bnpm-cli\.js\b/.test(command));
  if (npm) setInterval(() => isAlive(npm) || stop(), NPM_IS_CHECKED_EVERY).unref();
}

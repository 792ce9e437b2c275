import type { Scheduler } from "fast-check";

const RUNS = new Set<PropertyKey>(["first", "run", "all", "raw", "batch"]);

/**
 * Returns `env` with each database call held until `scheduler` releases it. Concurrent work is thus interleaved query
 * by query in every way that D1 could; a batch stays whole, as in D1.
 */
export const interleaved = (env: Env, scheduler: Scheduler): Env =>
  intercepted(env, (call) => scheduler.scheduleFunction(call));

type Call = (...args: unknown[]) => Promise<unknown>;

/** Returns `env` with each database call wrapped by `around`. */
export function intercepted(env: Env, around: (call: Call) => Call): Env {
  const databases = Object.entries(env).filter(([binding]) => /^DB(_\d+)?$/.test(binding));
  return {
    ...env,
    ...Object.fromEntries(databases.map(([binding, database]) => [binding, held(database, around)])),
  };
}

function held<T extends object>(target: T, around: (call: Call) => Call): T {
  return new Proxy(target, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
      if (name === "getBookmark") return call;
      if (RUNS.has(name)) return around(async (...args: unknown[]) => call(...args));
      return (...args: unknown[]) => held(call(...args) as object, around); // `prepare` and `bind` return a statement.
    },
  });
}

import type { Scheduler } from "fast-check";

const RUNS = new Set<PropertyKey>(["first", "run", "all", "raw", "batch"]);

/**
 * `env`, with each call of a database held back until `scheduler` lets it go. What runs at the same time is so
 * interleaved in every way that D1 could, query by query; a batch stays whole, as it does in D1.
 */
export const interleaved = (env: Env, scheduler: Scheduler): Env =>
  intercepted(env, (call) => scheduler.scheduleFunction(call));

type Call = (...args: unknown[]) => Promise<unknown>;

/** `env`, where `around` is given each call of a database to make as it likes. */
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
      return (...args: unknown[]) => held(call(...args) as object, around); // prepare and bind, which make a statement.
    },
  });
}

/** Stores that fail on demand: they throw, respond late, or never respond. */
export type Fault = "throws" | "hangs" | { delay: number };
/** `primary`: of whatever goes to a primary, also reads. */
export type Faults = { primary?: Fault; reads?: Fault; writes?: Fault; kv?: Fault; queues?: Fault; cache?: Fault };

/**
 * Returns `env` with databases, KV and queues that fail as `faults` says at the time of the call. `failed` counts those
 * calls.
 */
export function withFaults(env: Env, faults: Faults): { env: Env; failed: () => number } {
  let failed = 0;
  const meet = async <T>(fault: Fault | undefined, go: () => Promise<T>): Promise<T> => {
    if (fault === undefined) return go();
    failed += 1;
    if (fault === "throws") throw new Error("D1_ERROR: Network connection lost.");
    if (fault === "hangs") return new Promise<T>(() => undefined);
    await new Promise((resolve) => {
      setTimeout(resolve, fault.delay);
    });
    return go();
  };
  const faulty = Object.entries(env).map(([name, binding]) => {
    if (/^DB(_\d+)?$/.test(name)) return [name, database(binding as D1Database, faults, meet)];
    if (name === "DOCUMENTS") return [name, calls(binding as object, () => faults.kv, meet)];
    if (typeof binding === "object" && "sendBatch" in binding) return [name, calls(binding, () => faults.queues, meet)];
    return [name, binding];
  });
  return { env: Object.fromEntries(faulty) as Env, failed: () => failed };
}

type Meet = <T>(fault: Fault | undefined, go: () => Promise<T>) => Promise<T>;

/** Makes every method call of a binding meet the fault. */
function calls<T extends object>(binding: T, fault: () => Fault | undefined, meet: Meet): T {
  return new Proxy(binding, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => meet(fault(), () => Reflect.apply(value, target, args) as Promise<unknown>);
    },
  });
}

const RUNS = new Set<PropertyKey>(["first", "run", "all", "raw"]);
const WRITES = /^\s*(?:INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP)\b/i;

/** Wraps a database so that reads and writes fail separately. Each statement is marked by whether it writes. */
function database<T extends object>(target: T, faults: Faults, meet: Meet, isPrimary = true): T {
  const real = new WeakMap<object, { statement: D1PreparedStatement; writes: boolean }>();
  const faultOf = (writes: boolean) =>
    (isPrimary || writes ? faults.primary : undefined) ?? (writes ? faults.writes : faults.reads);
  const wrapped = (statement: D1PreparedStatement, writes: boolean): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name === "bind") return (...args: unknown[]) => wrapped(target.bind(...args), writes);
        if (!RUNS.has(name)) return value.bind(target) as unknown;
        return (...args: unknown[]) =>
          meet(faultOf(writes), () => Reflect.apply(value, target, args) as Promise<unknown>);
      },
    });
    real.set(proxy, { statement, writes });
    return proxy;
  };
  return new Proxy(target, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
      if (name === "withSession") {
        return (constraint: string) =>
          database(call(constraint) as object, faults, meet, constraint === "first-primary");
      }
      if (name === "prepare") return (sql: string) => wrapped(call(sql) as D1PreparedStatement, WRITES.test(sql));
      if (name === "batch") {
        return (statements: D1PreparedStatement[]) => {
          const known = statements.map((statement) => real.get(statement) ?? { statement, writes: true });
          const go = () => call(known.map(({ statement }) => statement)) as Promise<unknown>;
          return meet(faultOf(known.some(({ writes }) => writes)), go);
        };
      }
      return call;
    },
  });
}

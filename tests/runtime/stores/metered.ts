import { allD1 } from "./d1.ts";

export type Meter = { queries: number; rowsRead: number; rowsWritten: number };

/** What an isolate reads and writes now and then, whatever the request: its shard map and its metrics. */
export const OF_ISOLATE = /^\s*(INSERT INTO measures|SELECT[^()]*\sFROM "?shard_moves)\b/;

/**
 * Returns `env` with a meter that adds up the costs that its databases report, except those of the isolate. A batch
 * counts as one query.
 */
export function metered(env: Env): { env: Env; meter: Meter } {
  const meter = { queries: 0, rowsRead: 0, rowsWritten: 0 };
  const all = new Set<unknown>(allD1(env));
  const bindings = Object.entries(env).map(([name, value]) => [name, all.has(value) ? counted(value, meter) : value]);
  return { env: Object.fromEntries(bindings), meter };
}

const RUNS = new Set<PropertyKey>(["run", "all", "batch"]);

/** Statements whose costs are those of the isolate. */
const uncounted = new WeakSet<object>();

function counted<T extends object>(target: T, meter: Meter): T {
  const proxy: T = new Proxy(target, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const call = (args: unknown[]): unknown => Reflect.apply(value, target, args);
      if (name === "getBookmark") return () => call([]);
      if (RUNS.has(name)) {
        return async (...args: unknown[]) => {
          const result = (await call(args)) as D1Result | D1Result[];
          const statements = name === "batch" ? (args[0] as object[]) : [proxy];
          if (!statements.every((statement) => uncounted.has(statement))) count(meter, [result].flat());
          return result;
        };
      }
      // `first` reports no cost, but `all` does.
      if (name === "first")
        return async () => (await (counted(target, meter) as unknown as D1PreparedStatement).all()).results[0] ?? null;
      // `prepare` and `bind` return a statement.
      return (...args: unknown[]) => {
        const made = counted(call(args) as object, meter);
        if (uncounted.has(proxy) || (name === "prepare" && OF_ISOLATE.test(String(args[0])))) uncounted.add(made);
        return made;
      };
    },
  });
  return proxy;
}

function count(meter: Meter, results: D1Result[]): void {
  meter.queries += 1;
  for (const { meta } of results) {
    meter.rowsRead += meta.rows_read;
    meter.rowsWritten += meta.rows_written;
  }
}

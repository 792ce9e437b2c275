import { allD1 } from "./d1.ts";

export type Meter = { queries: number; rowsRead: number; rowsWritten: number };

/** Returns `env` with a meter that adds up the costs that its databases report. A batch counts as one query. */
export function metered(env: Env): { env: Env; meter: Meter } {
  const meter = { queries: 0, rowsRead: 0, rowsWritten: 0 };
  const all = new Set<unknown>(allD1(env));
  const bindings = Object.entries(env).map(([name, value]) => [name, all.has(value) ? counted(value, meter) : value]);
  return { env: Object.fromEntries(bindings), meter };
}

const RUNS = new Set<PropertyKey>(["run", "all", "batch"]);

function counted<T extends object>(target: T, meter: Meter): T {
  return new Proxy(target, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const call = (args: unknown[]): unknown => Reflect.apply(value, target, args);
      if (name === "getBookmark") return () => call([]);
      if (RUNS.has(name)) {
        return async (...args: unknown[]) => {
          const result = (await call(args)) as D1Result | D1Result[];
          count(meter, [result].flat());
          return result;
        };
      }
      // `first` reports no cost, but `all` does.
      if (name === "first")
        return async () => (await (counted(target, meter) as unknown as D1PreparedStatement).all()).results[0] ?? null;
      return (...args: unknown[]) => counted(call(args) as object, meter); // `prepare` and `bind` return a statement.
    },
  });
}

function count(meter: Meter, results: D1Result[]): void {
  meter.queries += 1;
  for (const { meta } of results) {
    meter.rowsRead += meta.rows_read;
    meter.rowsWritten += meta.rows_written;
  }
}

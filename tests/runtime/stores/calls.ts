/** Intercepts the calls to all stores of an `env`. */

/** A call to a store. `writes` is unknown of actors and others, and false. */
export type StoreCall = {
  store: "d1" | "kv" | "actor" | "queue" | "other";
  writes: boolean;
  /** The constraint of the session that a call to D1 belongs to. */
  session?: string;
  /** The binding of an actor. */
  binding?: string;
};
export type Around = <T>(call: StoreCall, go: () => Promise<T>) => Promise<T>;

/** Tells whether a call to D1 goes to the primary. */
export const isAtPrimary = ({ writes, session }: StoreCall): boolean =>
  writes || session === undefined || session === "first-primary";

/**
 * Returns `env` with each call to a store made by `around`. A store is known by its methods, because the names of
 * bindings are up to the deployment.
 */
export function withCalls(env: Env, around: Around): Env {
  const wrapped = Object.entries(env).map(([name, binding]: [string, unknown]) => [name, wrap(name, binding, around)]);
  return Object.fromEntries(wrapped) as Env;
}

function wrap(name: string, binding: unknown, around: Around): unknown {
  if (typeof binding !== "object" || binding === null) return binding;
  if ("prepare" in binding) return database(binding, around, undefined);
  if ("idFromName" in binding) return actors(name, binding, around);
  if ("sendBatch" in binding) return methods(binding, around, () => ({ store: "queue", writes: true }));
  if ("getWithMetadata" in binding) {
    return methods(binding, around, (name) => ({ store: "kv", writes: KV_WRITES.has(name) }));
  }
  const isData = Array.isArray(binding) || Object.getPrototypeOf(binding) === Object.prototype;
  return isData ? binding : others(binding, around);
}

const KV_WRITES = new Set<PropertyKey>(["put", "delete"]);

type Method = (...args: unknown[]) => unknown;

/** Replaces the methods of a binding. `replace` gets each as a function that may be called without its object. */
function replaced<T extends object>(target: T, replace: (name: PropertyKey, method: Method) => Method): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return replace(name, (...args) => Reflect.apply(value, target, args) as unknown);
    },
  });
}

const methods = <T extends object>(target: T, around: Around, callOf: (name: PropertyKey) => StoreCall): T =>
  replaced(
    target,
    (name, method) =>
      (...args) =>
        around(callOf(name), () => method(...args) as Promise<unknown>),
  );

/** Some methods of these bindings return no promise but an object with further methods, which stay as they are. */
const others = <T extends object>(target: T, around: Around): T =>
  replaced(target, (_, method) => (...args) => {
    const result = method(...args);
    return result instanceof Promise ? around({ store: "other", writes: false }, () => result) : result;
  });

const STUBS = new Set<PropertyKey>(["get", "getByName"]);

const actors = <T extends object>(binding: string, namespace: T, around: Around): T =>
  replaced(namespace, (name, method) => {
    if (!STUBS.has(name)) return method;
    return (...args) => methods(method(...args) as object, around, () => ({ store: "actor", writes: false, binding }));
  });

const RUNS = new Set<PropertyKey>(["first", "run", "all", "raw"]);
const WRITES = /^\s*(?:INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP)\b/i;

/** The statements behind the wrapped ones, since a batch needs them. */
const real = new WeakMap<object, { statement: object; writes: boolean }>();

/** Wraps a database or a session of it. Each statement is marked by whether it writes. */
function database<T extends object>(target: T, around: Around, session: string | undefined): T {
  const callOf = (writes: boolean): StoreCall => ({ store: "d1", writes, ...(session !== undefined && { session }) });
  const prepared = (statement: object, writes: boolean): object => {
    const proxy = replaced(statement, (name, method) => {
      if (name === "bind") return (...args) => prepared(method(...args) as object, writes);
      return RUNS.has(name) ? (...args) => around(callOf(writes), () => method(...args) as Promise<unknown>) : method;
    });
    real.set(proxy, { statement, writes });
    return proxy;
  };
  return replaced(target, (name, method) => {
    switch (name) {
      case "withSession":
        return (constraint = "first-unconstrained") =>
          database(method(constraint) as object, around, constraint as string);
      case "prepare":
        return (sql) => prepared(method(sql) as object, WRITES.test(sql as string));
      case "batch":
        return (statements) => {
          const known = (statements as object[]).map((one) => real.get(one) ?? { statement: one, writes: true });
          const go = () => method(known.map(({ statement }) => statement)) as Promise<unknown>;
          return around(callOf(known.some(({ writes }) => writes)), go);
        };
      default:
        return method;
    }
  });
}

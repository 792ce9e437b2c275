/** Wraps the bindings of a Worker, which otherwise behave as before. */

/** Wraps each binding. The same `env` gives the same object, because code may compare bindings. */
export function wrappedEnvs(wrap: (binding: object) => unknown): (env: Env) => Env {
  const known = new WeakMap<Env, Env>();
  return (env) => {
    const wrapped =
      known.get(env) ??
      (Object.fromEntries(
        Object.entries(env).map(([name, binding]: [string, unknown]) => [
          name,
          typeof binding === "object" && binding !== null ? wrap(binding) : binding,
        ]),
      ) as unknown as Env);
    known.set(env, wrapped);
    return wrapped;
  };
}

export type Method = (...values: never[]) => unknown;

/** Replaces some methods of `target`. The others are called on `target` itself, since only it has the private state. */
export function withMethods<T extends object>(target: T, methods: { [Name in keyof T]?: Method }): T {
  return new Proxy(target, {
    get(_, name) {
      const method: unknown = Reflect.get(Object.hasOwn(methods, name) ? methods : target, name);
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
}

/** Wraps the methods in `kinds`. Each call is made by `around`, which gets the kind of the method. */
export function wrappedMethods<T extends object, Kind>(
  target: T,
  kinds: { [Name in keyof T]?: Kind },
  around: (kind: Kind, go: () => unknown) => unknown,
): T {
  const methods = target as Record<string, Method>;
  const wrapped = Object.entries<Kind>(kinds as Record<string, Kind>).map(([name, kind]) => [
    name,
    (...values: never[]) => around(kind, () => methods[name]?.(...values)),
  ]);
  return withMethods(target, Object.fromEntries(wrapped) as { [Name in keyof T]?: Method });
}

/** `bookmark` replaces the one that D1 returns. */
type Session = { constraint: string; bookmark?: string };
type D1Call = { writes: boolean; session: Session | undefined };
type AroundD1 = (call: D1Call, go: () => Promise<D1Result[]>) => Promise<D1Result[]>;

const WRITES = /^\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b/i;

/** Maps wrapped statements to the original ones, which a batch needs. */
const statements = new WeakMap<D1PreparedStatement, { inner: D1PreparedStatement; writes: boolean }>();

/** Wraps a database so that each call is made by `around`, whether it is one statement or a batch. */
export function wrappedDatabase(database: D1Database, around: AroundD1): D1Database {
  const statement = (
    inner: D1PreparedStatement,
    writes: boolean,
    session: Session | undefined,
  ): D1PreparedStatement => {
    const all = async () => {
      const [result] = await around({ writes, session }, async () => [await inner.all()]);
      if (!result) throw new Error("a statement returned no result");
      return result as D1Result<Record<string, unknown>>;
    };
    const wrapped = withMethods(inner, {
      bind: (...values: unknown[]) => statement(inner.bind(...values), writes, session),
      all,
      run: all,
      // `first` and `raw` do not report row counts, so they are built on `all`.
      first: async (column?: string) => {
        const [row] = (await all()).results;
        return row === undefined ? null : column === undefined ? row : row[column];
      },
      raw: async (options?: { columnNames?: boolean }) => {
        const { results } = await all();
        const rows: unknown[][] = results.map((row) => Object.values(row));
        return options?.columnNames ? [Object.keys(results[0] ?? {}), ...rows] : rows;
      },
    });
    statements.set(wrapped, { inner, writes });
    return wrapped;
  };
  const methods = (inner: D1Database | D1DatabaseSession, session?: Session) => ({
    prepare: (query: string) => statement(inner.prepare(query), WRITES.test(query), session),
    batch: (batch: D1PreparedStatement[]) => {
      const known = batch.map((one) => statements.get(one) ?? { inner: one, writes: true });
      const writes = known.some((one) => one.writes);
      return around({ writes, session }, () => inner.batch(known.map((one) => one.inner)));
    },
  });
  return withMethods(database, {
    ...methods(database),
    withSession: (constraint = "first-unconstrained") => {
      const session: Session = { constraint };
      const inner = database.withSession(constraint);
      return withMethods(inner, {
        ...methods(inner, session),
        getBookmark: () => session.bookmark ?? inner.getBookmark(),
      });
    },
  });
}

/** Wraps actors so that each call of a method is made by `around`. */
export function wrappedActors(
  actors: DurableObjectNamespace,
  around: (go: () => unknown) => unknown,
): DurableObjectNamespace {
  const wrapped = (stub: DurableObjectStub) =>
    new Proxy(stub, {
      get(_, name) {
        const member = Reflect.get(stub, name) as unknown;
        if (typeof member !== "function") return member;
        return (...values: unknown[]) =>
          around(() => (stub as unknown as Record<PropertyKey, (...values: unknown[]) => unknown>)[name]?.(...values));
      },
    });
  return withMethods(actors, {
    get: (id: DurableObjectId) => wrapped(actors.get(id)),
    getByName: (name: string) => wrapped(actors.getByName(name)),
  });
}

const CACHE_METHODS = ["match", "put", "delete"] as const;
type CacheMethod = (typeof CACHE_METHODS)[number];

/** Makes each call of a method of any cache by `around`, by replacing it on the common prototype of caches. */
export function wrapCaches(around: (name: CacheMethod, go: () => unknown) => unknown) {
  const methods = Object.getPrototypeOf(caches.default) as Record<CacheMethod, (...values: unknown[]) => unknown>;
  for (const name of CACHE_METHODS) {
    const method = methods[name];
    methods[name] = function (this: Cache, ...values) {
      return around(name, () => method.apply(this, values));
    };
  }
}

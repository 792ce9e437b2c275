/** Bindings that count the calls to them, and otherwise behave as before. */
import { addTo, type Tally } from "../costs/tally.ts";

const MESSAGE_BYTES = 64 * 1024; // A message up to this size is billed as one.

/**
 * Wraps `env` so that `tally` counts every store. The same `env` gives the same object, because code may compare
 * bindings.
 */
export function countedBindings(tally: Tally): (env: Env) => Env {
  const known = new WeakMap<Env, Env>();
  return (env) => {
    const counted =
      known.get(env) ??
      (Object.fromEntries(
        Object.entries(env).map(([name, binding]) => [name, countedBinding(binding, tally)]),
      ) as unknown as Env);
    known.set(env, counted);
    return counted;
  };
}

/** Wraps a binding according to its methods, because its name is up to the deployment. */
function countedBinding(binding: unknown, tally: Tally): unknown {
  if (typeof binding !== "object" || binding === null) return binding;
  if ("prepare" in binding) return countedDatabase(binding as D1Database, tally);
  if ("idFromName" in binding) return countedActors(binding as DurableObjectNamespace, tally);
  if ("sendBatch" in binding) return countedQueue(binding as Queue, tally);
  if ("getWithMetadata" in binding) return countedKv(binding as KVNamespace, tally);
  return binding;
}

type Method = (...values: never[]) => unknown;

/** Replaces some methods of `target`. The others are called on `target` itself, since only it has the private state. */
function withMethods<T extends object>(target: T, methods: { [Name in keyof T]?: Method }): T {
  return new Proxy(target, {
    get(_, name) {
      const method: unknown = Reflect.get(Object.hasOwn(methods, name) ? methods : target, name);
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
}

/** Maps counted statements to the original ones, which a batch needs. */
const statements = new WeakMap<D1PreparedStatement, D1PreparedStatement>();

function countedDatabase(database: D1Database, tally: Tally): D1Database {
  const count = (results: D1Result[]) => {
    addTo(tally, { d1Calls: 1, d1Statements: results.length });
    for (const { meta } of results) addTo(tally, { rowsRead: meta.rows_read, rowsWritten: meta.rows_written });
  };
  const statement = (inner: D1PreparedStatement): D1PreparedStatement => {
    const all = async () => {
      const result = await inner.all();
      count([result]);
      return result;
    };
    const counted = withMethods(inner, {
      bind: (...values: unknown[]) => statement(inner.bind(...values)),
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
    statements.set(counted, inner);
    return counted;
  };
  const session = (inner: D1Database | D1DatabaseSession) => ({
    prepare: (query: string) => statement(inner.prepare(query)),
    batch: async (batch: D1PreparedStatement[]) => {
      const results = await inner.batch(batch.map((counted) => statements.get(counted) ?? counted));
      count(results);
      return results;
    },
  });
  return withMethods(database, {
    ...session(database),
    withSession: (constraint?: string) => {
      const inner = database.withSession(constraint);
      return withMethods(inner, session(inner));
    },
  });
}

function countedActors(actors: DurableObjectNamespace, tally: Tally): DurableObjectNamespace {
  const counted = (stub: DurableObjectStub) =>
    new Proxy(stub, {
      get(_, name) {
        const member = Reflect.get(stub, name) as unknown;
        if (typeof member !== "function") return member;
        return (...values: unknown[]) => {
          addTo(tally, { actorCalls: 1 });
          return (stub as unknown as Record<PropertyKey, (...values: unknown[]) => unknown>)[name]?.(...values);
        };
      },
    });
  return withMethods(actors, {
    get: (id: DurableObjectId) => counted(actors.get(id)),
    getByName: (name: string) => counted(actors.getByName(name)),
  });
}

const billedMessages = (body: unknown): number => Math.ceil(JSON.stringify(body).length / MESSAGE_BYTES);

function countedQueue(queue: Queue, tally: Tally): Queue {
  return withMethods(queue, {
    send: (body: unknown, options?: QueueSendOptions) => {
      addTo(tally, { messages: billedMessages(body) });
      return queue.send(body, options);
    },
    sendBatch: (messages: MessageSendRequest[], options?: QueueSendBatchOptions) => {
      for (const { body } of messages) addTo(tally, { messages: billedMessages(body) });
      return queue.sendBatch(messages, options);
    },
  });
}

function countedKv(kv: KVNamespace, tally: Tally): KVNamespace {
  const read = (method: "get" | "getWithMetadata") => (keys: string | string[], options: never) => {
    addTo(tally, { kvReads: Array.isArray(keys) ? keys.length : 1 });
    return (kv as Record<typeof method, Method>)[method](keys as never, options);
  };
  const write =
    (method: "put" | "delete") =>
    (...values: [string, string]) => {
      addTo(tally, { kvWrites: 1 });
      return kv[method](...values);
    };
  return withMethods(kv, {
    get: read("get"),
    getWithMetadata: read("getWithMetadata"),
    put: write("put"),
    delete: write("delete"),
  });
}

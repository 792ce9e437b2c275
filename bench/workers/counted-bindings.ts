/** Bindings that count what is asked of them, and are what they were in every other way. */
import { addTo, type Tally } from "../tally.ts";

const MESSAGE_BYTES = 64 * 1024; // Up to which a message is billed as one.

/** `env` with every binding of a store counted in `tally`. The same for the same `env`, since code may compare bindings. */
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

/** By what it can do, since names are the deployment's. */
function countedBinding(binding: unknown, tally: Tally): unknown {
  if (typeof binding !== "object" || binding === null) return binding;
  if ("prepare" in binding) return countedDatabase(binding as D1Database, tally);
  if ("idFromName" in binding) return countedActors(binding as DurableObjectNamespace, tally);
  if ("sendBatch" in binding) return countedQueue(binding as Queue, tally);
  if ("getWithMetadata" in binding) return countedKv(binding as KVNamespace, tally);
  return binding;
}

type Method = (...values: never[]) => unknown;

/** `target` with some of its methods replaced. The others are called on `target` itself, which alone has its inner state. */
function replaced<T extends object>(target: T, methods: { [Name in keyof T]?: Method }): T {
  return new Proxy(target, {
    get(_, name) {
      const method: unknown = Reflect.get(Object.hasOwn(methods, name) ? methods : target, name);
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
}

/** The statement that a counted one stands for, for a batch. */
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
    const counted = replaced(inner, {
      bind: (...values: unknown[]) => statement(inner.bind(...values)),
      all,
      run: all,
      // As the others say no rows, these are made of `all`.
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
  return replaced(database, {
    ...session(database),
    withSession: (constraint?: string) => {
      const inner = database.withSession(constraint);
      return replaced(inner, session(inner));
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
  return replaced(actors, {
    get: (id: DurableObjectId) => counted(actors.get(id)),
    getByName: (name: string) => counted(actors.getByName(name)),
  });
}

const piecesOf = (body: unknown): number => Math.ceil(JSON.stringify(body).length / MESSAGE_BYTES);

function countedQueue(queue: Queue, tally: Tally): Queue {
  return replaced(queue, {
    send: (body: unknown, options?: QueueSendOptions) => {
      addTo(tally, { messages: piecesOf(body) });
      return queue.send(body, options);
    },
    sendBatch: (messages: MessageSendRequest[], options?: QueueSendBatchOptions) => {
      for (const { body } of messages) addTo(tally, { messages: piecesOf(body) });
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
  return replaced(kv, {
    get: read("get"),
    getWithMetadata: read("getWithMetadata"),
    put: write("put"),
    delete: write("delete"),
  });
}

/**
 * Bindings whose calls take as long as over a network, and which record what a request waits for. Only requests wait:
 * queue consumers and crons are not slowed.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type Distances, REPLICA_LAG, type Store } from "../network/distances.ts";
import { Replica } from "../network/replica.ts";
import type { Wait } from "../network/waits.ts";
import { wrapCaches, wrappedActors, wrappedDatabase, wrappedEnvs, wrappedMethods } from "./bindings.ts";

/** The calls of one request that have ended. */
const waitsOfRequest = new AsyncLocalStorage<{ distances: Distances; waits: Wait[] }>();
/** Numbers the beginnings and ends of all calls, since several may share a millisecond. */
let events = 0;

/** Runs a request at these distances. `waits` receives each call that it makes, when the call has ended. */
export const atDistance = <T>(distances: Distances, waits: Wait[], run: () => T): T =>
  waitsOfRequest.run({ distances, waits }, run);

async function over(store: Store, go: () => unknown): Promise<unknown> {
  const request = waitsOfRequest.getStore();
  if (!request) return go();
  const begun = (events += 1);
  await scheduler.wait(request.distances[store]);
  try {
    return await go();
  } finally {
    request.waits.push({ store, begun, ended: (events += 1) });
  }
}

wrapCaches((_, go) => over("cache", go));

export const farBindings = wrappedEnvs((binding) => {
  if ("prepare" in binding) return farDatabase(binding as D1Database);
  if ("idFromName" in binding) return wrappedActors(binding as DurableObjectNamespace, (go) => over("actor", go));
  if ("sendBatch" in binding) return farQueue(binding as Queue);
  if ("getWithMetadata" in binding) return farKv(binding as KVNamespace);
  return binding;
});

/** A database with a replica nearby. Both are the same local database, so only times and bookmarks show the lag. */
function farDatabase(database: D1Database): D1Database {
  const replica = new Replica(REPLICA_LAG);
  return wrappedDatabase(database, async ({ writes, session }, go) => {
    const isNear = !writes && session !== undefined && replica.mayServe(session.constraint, Date.now());
    const run = async () => {
      const reached = replica.bookmark(Date.now()); // The state that a replica reads is from before the call.
      const results = await go();
      if (writes) replica.committed(Date.now());
      if (session) session.bookmark = isNear ? reached : replica.newest(Date.now());
      return results;
    };
    return (await over(isNear ? "replica" : "primary", run)) as D1Result[];
  });
}

const farQueue = (queue: Queue): Queue => wrappedMethods(queue, { send: "queue", sendBatch: "queue" }, over);

const farKv = (kv: KVNamespace): KVNamespace =>
  wrappedMethods(kv, { get: "KV", getWithMetadata: "KV", put: "KV write", delete: "KV write" }, over);

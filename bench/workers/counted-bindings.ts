/** Bindings that count the calls to them, and otherwise behave as before. */
import { addTo, type Tally } from "../costs/tally.ts";
import { type Method, withMethods, wrappedActors, wrappedDatabase, wrappedEnvs, wrappedMethods } from "./bindings.ts";

const MESSAGE_BYTES = 64 * 1024; // A message up to this size is billed as one.

/** Wraps `env` so that `tally` counts every store. */
export const countedBindings = (tally: Tally): ((env: Env) => Env) =>
  wrappedEnvs((binding) => countedBinding(binding, tally));

/** Wraps a binding according to its methods, because its name is up to the deployment. */
function countedBinding(binding: object, tally: Tally): unknown {
  if ("prepare" in binding) return countedDatabase(binding as D1Database, tally);
  if ("idFromName" in binding) return countedActors(binding as DurableObjectNamespace, tally);
  if ("sendBatch" in binding) return countedQueue(binding as Queue, tally);
  if ("getWithMetadata" in binding) return countedKv(binding as KVNamespace, tally);
  if ("createMultipartUpload" in binding) return countedBucket(binding as R2Bucket, tally);
  if ("input" in binding) return countedImages(binding as ImagesBinding, tally);
  return binding;
}

const countedDatabase = (database: D1Database, tally: Tally): D1Database =>
  wrappedDatabase(database, async (_, go) => {
    const results = await go();
    addTo(tally, { d1Calls: 1, d1Statements: results.length });
    for (const { meta } of results) addTo(tally, { rowsRead: meta.rows_read, rowsWritten: meta.rows_written });
    return results;
  });

const countedActors = (actors: DurableObjectNamespace, tally: Tally): DurableObjectNamespace =>
  wrappedActors(actors, (go) => {
    addTo(tally, { actorCalls: 1 });
    return go();
  });

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

/** Parts of multipart uploads are not counted. Deleting is free. */
const countedBucket = (bucket: R2Bucket, tally: Tally): R2Bucket =>
  countedMethods(tally, bucket, {
    put: "bucketWrites",
    list: "bucketWrites",
    createMultipartUpload: "bucketWrites",
    get: "bucketReads",
    head: "bucketReads",
  });

const countedImages = (images: ImagesBinding, tally: Tally): ImagesBinding =>
  countedMethods(tally, images, { input: "pictures" });

/** Adds one to the count of its kind for each call of these methods. */
const countedMethods = <T extends object>(tally: Tally, target: T, kinds: { [Name in keyof T]?: keyof Tally }): T =>
  wrappedMethods(target, kinds, (kind, go) => {
    addTo(tally, { [kind]: 1 });
    return go();
  });

function countedKv(kv: KVNamespace, tally: Tally): KVNamespace {
  const read = (method: "get" | "getWithMetadata") => (keys: string | string[], options: never) => {
    addTo(tally, { kvReads: Array.isArray(keys) ? keys.length : 1 });
    return (kv as Record<typeof method, Method>)[method](keys as never, options);
  };
  const reading = withMethods(kv, { get: read("get"), getWithMetadata: read("getWithMetadata") });
  return countedMethods(tally, reading, { put: "kvWrites", delete: "kvWrites" });
}

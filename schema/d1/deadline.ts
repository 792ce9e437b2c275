/** How long a request waits for a store, in ms, before it falls back to known data or fails. */
export const STORE_ANSWERS_WITHIN = 2000;
/** How long a request waits for KV, in ms: a cache that is slower than the store behind it is useless. */
export const KV_ANSWERS_WITHIN = 300;

/**
 * Settles like `promise`, but rejects with a `LateError` if that takes longer than `ms`. The timer also lets a request
 * wait for the work of another request in this isolate: the runtime cancels a request that waits for nothing of its
 * own.
 */
export async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new LateError(what, ms));
    }, ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Thrown when a store does not respond in time. Callers treat it like a store that failed. */
export class LateError extends Error {
  readonly retryable = true;

  constructor(what: string, ms: number) {
    super(`${what} did not respond within ${ms} ms`);
  }
}

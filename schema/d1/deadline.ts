/** How long anybody waits for a store, in ms, before they take what they know, or say that they cannot answer. */
export const STORE_ANSWERS_WITHIN = 2000;
/** A cache that is slower than what it stands before is none. */
export const KV_ANSWERS_WITHIN = 300;

/**
 * Rejects when `promise` takes longer than `ms`. The timer is also what makes it possible to wait for what another request
 * of this isolate does: the runtime ends a request that waits for nothing of its own.
 */
export async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new LateError(what, ms));
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A store that has not answered in time. To its caller it is as unavailable as one that has failed. */
export class LateError extends Error {
  readonly retryable = true;

  constructor(what: string, ms: number) {
    super(`${what} has not answered within ${ms} ms`);
  }
}

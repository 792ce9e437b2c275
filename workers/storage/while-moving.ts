import { isMovingError } from "../../schema/d1/shard-sql.ts";
import { refreshShardMap } from "../../schema/d1/shards.ts";

/** A switch refuses writes for the lease of a map, 5 s, and a second, and then until the operator's next step. */
const TRIES = 20;
const RETRY_EVERY = 500; // ms

/**
 * Runs `write` until its shard is no longer on its way to another database. For writes that end a request whose body the
 * client would otherwise have to send again; every other request is refused with 503 and a `Retry-After`. A refused write
 * has changed nothing, so it is safe to repeat. `write` must look its database up each time.
 */
export async function whileMoving<T>(env: Env, write: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await write();
    } catch (error) {
      if (!isMovingError(error) || tried === TRIES) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_EVERY));
    await refreshShardMap(env);
  }
}

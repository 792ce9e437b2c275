import type { MediaId } from "../../../schema/ids.ts";
import { databases, isHomeOf } from "../../../schema/shards.ts";
import { discard } from "./upload.ts";

const COLLECTED_PER_SWEEP = 100; // In each database.

export const ABANDONED = "SELECT id FROM media WHERE look_at <= ? AND state = 'uploading' LIMIT ?";

/** Removes the uploads that have not ended in time. Returns how many. */
export async function collectAbandonedUploads(env: Env, now = Date.now()): Promise<number> {
  let collected = 0;
  for (const database of databases(env)) {
    const found = await database.prepare(ABANDONED).bind(now, COLLECTED_PER_SWEEP).all<{ id: MediaId }>();
    // A copy on its way to another database may be out of date: its upload may have ended.
    const abandoned = found.results.filter(({ id }) => isHomeOf(env, database, id));
    for (const { id } of abandoned) await discard(env, id);
    collected += abandoned.length;
  }
  return collected;
}

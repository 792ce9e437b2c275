import { type MediaId, newId } from "../../schema/ids.ts";
import { databases, isHomeOf } from "../../schema/shards.ts";
import { discard } from "./upload.ts";

/** An upload of 25 MB takes an hour at 7 kB a second. */
const ABANDONED_AFTER = 3_600_000;
const COLLECTED_PER_SWEEP = 100; // In each database.

// The state is part of the text, not a parameter: only so may SQLite use the partial index `media_uploading`.
export const ABANDONED = "SELECT id FROM media WHERE state = 'uploading' AND id < ? ORDER BY id LIMIT ?";

/** Removes the uploads that were begun over an hour ago and never ended. Returns how many. */
export async function collectAbandonedUploads(env: Env, now = Date.now()): Promise<number> {
  const before = newId<MediaId>(0, now - ABANDONED_AFTER, 0);
  let collected = 0;
  for (const database of databases(env)) {
    const found = await database.prepare(ABANDONED).bind(before, COLLECTED_PER_SWEEP).all<{ id: MediaId }>();
    // A copy on its way to another database may be out of date: its upload may have ended.
    const abandoned = found.results.filter(({ id }) => isHomeOf(env, database, id));
    for (const { id } of abandoned) await discard(env, id);
    collected += abandoned.length;
  }
  return collected;
}

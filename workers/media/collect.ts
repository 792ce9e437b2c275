/**
 * The end of files that nobody wants: uploads that were given up, pictures that were never published, those of posts that
 * are gone. Each row says when it is to be looked at; a row that a post shows is looked at no more.
 */
import type { MediaId, PersonId, PostId } from "../../schema/ids.ts";
import { databaseOf, databases, isHomeOf } from "../../schema/d1/shards.ts";
import { CLAIMED_FOR } from "../../schema/media/upload-limits.ts";
import { deleteObjects } from "./objects.ts";
import type { MediaRow } from "./media-row.ts";
import { publishedMedia } from "./serving/published.ts";
import { discard, removeUpload } from "./uploads/upload.ts";

const COLLECTED_PER_SWEEP = 100; // In each database.

type Due = Pick<MediaRow, "id" | "owner" | "state">;

/** Settles the files that are due, up to 100 a database. Returns how many. A file that fails does not keep the others. */
export async function collectMedia(env: Env, now = Date.now()): Promise<number> {
  let settled = 0;
  for (const database of databases(env)) {
    const found = await database.prepare(DUE).bind(now, COLLECTED_PER_SWEEP).all<Due>();
    // A copy on its way to another database may be out of date.
    const due = found.results.filter(({ id }) => isHomeOf(env, database, id));
    for (const file of due) {
      try {
        await settle(env, file, now);
        settled += 1;
      } catch (error) {
        console.warn("file not collected, the next sweep will", { id: file.id, error: String(error) });
      }
    }
  }
  return settled;
}

export const DUE = "SELECT id, owner, state FROM media WHERE look_at <= ? ORDER BY look_at LIMIT ?";

async function settle(env: Env, { id, owner, state }: Due, now: number): Promise<void> {
  if (state === "uploading") await discard(env, id);
  // The inspection of what is uploaded is still being tried.
  else if (state === "uploaded") await setLookAt(env, id, now + CLAIMED_FOR);
  else if (state === "ready" && (await isShown(env, owner, id))) await setLookAt(env, id, null);
  else await takeAway(env, owner, [id], { states: [state] }, now);
}

/**
 * Takes those files of `owner` that are in one of `states` from everybody, and their bytes from the bucket, unless a post
 * shows them or somebody may be publishing them; those are looked at an hour later. `despite`: a post whose claim does not
 * count, because it is gone. Returns those that went. Costs one query, which reads the author's posts, and one for each file.
 */
export async function takeAway(
  env: Env,
  owner: PersonId,
  ids: readonly MediaId[],
  { states, despite }: { states: readonly MediaRow["state"][]; despite?: PostId },
  now = Date.now(),
): Promise<MediaId[]> {
  const taken = await databaseOf(env, owner)
    .prepare(TAKE_AWAY)
    .bind(owner, JSON.stringify(ids), JSON.stringify(states), despite ?? null, now - CLAIMED_FOR, now)
    .all<{ id: MediaId | null }>();
  const gone = taken.results.flatMap(({ id }) => id ?? []);
  for (const id of gone) await remove(env, id);
  return gone;
}

const IS_FREE = "claimed_by IS NULL OR claimed_by = ?4 OR claimed_at < ?5";

// What a post shows was claimed, so nobody's posts are read for a file that was not. One statement, so that it is decided against every claim (claims.ts) which of the two was first.
const TAKE_AWAY = `
  UPDATE media SET state = iif(${IS_FREE}, 'deleted', state), look_at = iif(${IS_FREE}, ?6, ?6 + ${CLAIMED_FOR})
  WHERE owner = ?1 AND id IN (SELECT value FROM json_each(?2)) AND state IN (SELECT value FROM json_each(?3))
    AND (claimed_by IS NULL OR NOT EXISTS (
      SELECT 1 FROM posts, json_each(posts.media) AS shown
      WHERE posts.author = ?1 AND shown.value ->> 'id' = media.id))
  RETURNING iif(state = 'deleted', id, NULL) AS id`;

/** Removes an upload that its owner wants no more. False when a post shows it, or may be about to; or when there is none. */
export async function withdraw(
  env: Env,
  owner: PersonId,
  { id, state }: Pick<MediaRow, "id" | "state">,
): Promise<boolean> {
  if (state === "uploading" && (await removeUpload(env, id))) return true;
  const states = state === "uploading" ? UPLOADED : [state];
  return (await takeAway(env, owner, [id], { states })).length > 0;
}

/** Of an upload that has come to its end. */
const UPLOADED: MediaRow["state"][] = ["uploaded", "ready", "rejected"];

const isShown = async (env: Env, owner: PersonId, id: MediaId): Promise<boolean> =>
  (await databaseOf(env, owner).prepare(SHOWN).bind(owner, id).first()) !== null;

// The post that has claimed it nearly always shows it, and then no other is read.
const SHOWN = `
  SELECT 1 FROM media JOIN posts ON posts.id = claimed_by, json_each(posts.media) AS shown
  WHERE media.id = ?2 AND shown.value ->> 'id' = ?2
  UNION ALL
  SELECT 1 FROM media CROSS JOIN posts, json_each(posts.media) AS shown
  WHERE media.id = ?2 AND claimed_by IS NOT NULL AND posts.author = ?1 AND shown.value ->> 'id' = ?2 LIMIT 1`;

/** The bytes first: without the row nobody would find them again. */
async function remove(env: Env, id: MediaId): Promise<void> {
  await deleteObjects(env, id);
  await databaseOf(env, id).prepare("DELETE FROM media WHERE id = ?").bind(id).run();
  await publishedMedia.forget(env, id); // Last: from the row it would be learnt again.
}

async function setLookAt(env: Env, id: MediaId, at: number | null): Promise<void> {
  await databaseOf(env, id).prepare("UPDATE media SET look_at = ?2 WHERE id = ?1").bind(id, at).run();
}

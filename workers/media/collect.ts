/**
 * Removes files that nobody needs: abandoned uploads, files that were never published, and files of deleted posts. Each
 * row states when the sweep checks it next (`look_at`); a file that a post shows, or that is a profile picture, is not
 * checked again.
 */
import { eq, sql } from "drizzle-orm";
import type { PostMedia } from "../../schema/posts.ts";
import type { MediaId, PersonId, PostId } from "../../schema/ids.ts";
import { bare, fieldsOf, literal, textOf } from "../../schema/d1/sql.ts";
import { databaseOf, databases, isHomeOf } from "../../schema/d1/shards.ts";
import { media, posts } from "../../schema/tables/posts.ts";
import { MEDIA_CLAIM_LASTS } from "../../schema/media/upload-limits.ts";
import { logWarning } from "../../schema/log.ts";
import { deleteObjects } from "./files/objects.ts";
import { IS_PROFILE_PICTURE, type MediaRow, mediaState } from "./files/media-row.ts";
import { profilePictures, publishedMedia } from "./serving/published.ts";
import { discard, removeUpload } from "./uploads/upload.ts";

const COLLECTED_PER_SWEEP = 100; // Per database.

type Due = Pick<MediaRow, "id" | "owner" | "state">;

/** Settles up to 100 due files per database and returns their number. One failing file does not stop the others. */
export async function collectMedia(env: Env, now = Date.now()): Promise<number> {
  let settled = 0;
  for (const database of databases(env)) {
    const found = await database.patient.all<Due>(DUE, now, COLLECTED_PER_SWEEP);
    // A row that is being moved to another database exists twice, and the copy may be out of date.
    const due = found.filter(({ id }) => isHomeOf(env, database, id));
    for (const file of due) {
      try {
        await settle(env, file, now);
        settled += 1;
      } catch (error) {
        logWarning("file not collected, the next sweep retries", { id: file.id, error: String(error) });
      }
    }
  }
  return settled;
}

/** Selects the files that the sweep must check by a given time. Exported for the test of its query plan. */
export const DUE = textOf(sql`
  SELECT ${media.id}, ${media.owner}, ${media.state} FROM ${media}
  WHERE ${media.lookAt} <= ?1 ORDER BY ${media.lookAt} LIMIT ?2`);

async function settle(env: Env, { id, owner, state }: Due, now: number): Promise<void> {
  if (state === "uploading") await discard(env, id);
  // Its inspection is still being retried.
  else if (state === "uploaded") await setLookAt(env, id, now + MEDIA_CLAIM_LASTS);
  else if (state === "ready" && (await isShown(env, owner, id))) await setLookAt(env, id, null);
  else await deleteUnused(env, owner, [id], { states: [state] }, now);
}

/**
 * Deletes those files of `owner` that are in one of `states`, with their bytes, unless they are the profile picture, a post
 * shows them or a publication may be under way; the last are checked again an hour later. `despite` names a deleted post, whose claim
 * does not count. Returns the deleted ids. Costs one query, which reads the author's posts, and one more per deleted
 * file.
 */
export async function deleteUnused(
  env: Env,
  owner: PersonId,
  ids: readonly MediaId[],
  { states, despite }: { states: readonly MediaRow["state"][]; despite?: PostId },
  now = Date.now(),
): Promise<MediaId[]> {
  const taken = await databaseOf(env, owner).patient.all<{ id: MediaId | null }>(
    TAKE_AWAY,
    owner,
    JSON.stringify(ids),
    JSON.stringify(states),
    despite ?? null,
    now - MEDIA_CLAIM_LASTS,
    now,
  );
  const gone = taken.flatMap(({ id }) => id ?? []);
  for (const id of gone) await deleteFile(env, id);
  return gone;
}

/** A file that a post shows. */
const shown = fieldsOf<PostMedia>("shown.value");

const IS_FREE = sql`${media.claimedBy} IS NULL OR ${media.claimedBy} = ?4 OR ${media.claimedAt} < ?5`;

// A post shows only claimed files, so no posts are read for an unclaimed one. It is one statement, so that D1 puts it
// either before or after any claim (claims.ts) and any change of the profile picture (profile-pictures.ts).
const TAKE_AWAY = textOf(sql`
  UPDATE ${media} SET
    ${bare(media.state)} = iif(${IS_FREE}, ${mediaState("deleted")}, ${media.state}),
    ${bare(media.lookAt)} = iif(${IS_FREE}, ?6, ?6 + ${literal(MEDIA_CLAIM_LASTS)})
  WHERE ${media.owner} = ?1 AND ${media.id} IN (SELECT value FROM json_each(?2))
    AND ${media.state} IN (SELECT value FROM json_each(?3)) AND NOT ${IS_PROFILE_PICTURE}
    AND (${media.claimedBy} IS NULL OR NOT EXISTS (
      SELECT 1 FROM ${posts}, json_each(${posts.media}) AS shown
      WHERE ${posts.author} = ?1 AND ${shown("id")} = ${media.id}))
  RETURNING iif(${media.state} = ${mediaState("deleted")}, ${media.id}, NULL) AS "id"`);

/** Deletes an upload for its owner. Returns false when it is in use or may be about to be, or is gone. */
export async function deleteUpload(
  env: Env,
  owner: PersonId,
  { id, state }: Pick<MediaRow, "id" | "state">,
): Promise<boolean> {
  if (state === "uploading" && (await removeUpload(env, id))) return true;
  const states = state === "uploading" ? UPLOADED : [state];
  return (await deleteUnused(env, owner, [id], { states })).length > 0;
}

/** The states of a finished upload. */
const UPLOADED: MediaRow["state"][] = ["uploaded", "ready", "rejected"];

const isShown = async (env: Env, owner: PersonId, id: MediaId): Promise<boolean> =>
  (await databaseOf(env, owner).patient.first(SHOWN, owner, id)) !== undefined;

// The post that claimed the file nearly always shows it, and then no other post is read.
const SHOWN = textOf(sql`
  SELECT 1 FROM ${media} JOIN ${posts} ON ${posts.id} = ${media.claimedBy}, json_each(${posts.media}) AS shown
  WHERE ${media.id} = ?2 AND ${shown("id")} = ?2
  UNION ALL
  SELECT 1 FROM ${media} WHERE ${media.id} = ?2 AND ${IS_PROFILE_PICTURE}
  UNION ALL
  SELECT 1 FROM ${media} CROSS JOIN ${posts}, json_each(${posts.media}) AS shown
  WHERE ${media.id} = ?2 AND ${media.claimedBy} IS NOT NULL AND ${posts.author} = ?1 AND ${shown("id")} = ?2 LIMIT 1`);

/**
 * Deletes a file that nothing shows: its bytes before its row, because without the row nothing would find them again.
 */
export async function deleteFile(env: Env, id: MediaId): Promise<void> {
  await deleteObjects(env, id);
  await databaseOf(env, id).patient.orm.delete(media).where(eq(media.id, id));
  profilePictures.drop(id);
  await publishedMedia.forget(env, id); // Last, because a read of the row would cache it again.
}

async function setLookAt(env: Env, id: MediaId, at: number | null): Promise<void> {
  await databaseOf(env, id).patient.orm.update(media).set({ lookAt: at }).where(eq(media.id, id));
}

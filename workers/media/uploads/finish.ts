import { sql } from "drizzle-orm";
import { statement } from "../../../schema/d1/database.ts";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { isVideo, type MediaType } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { media } from "../../../schema/tables/posts.ts";
import { mediaState } from "../files/media-row.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { UNPUBLISHED_KEPT_FOR } from "../../../schema/media/upload-limits.ts";

/**
 * Records that an upload's object is complete, and has it inspected. Repeating it changes nothing. Returns false when
 * the upload is gone. Costs one batch, and one query more when another call has finished the upload.
 */
export async function finish(env: Env, id: MediaId, contentType: MediaType): Promise<boolean> {
  const database = databaseOf(env, id);
  const finished = await withFreshIds(async () => {
    const effect = newEffect(id, { kind: "inspect", media: id, ...(isVideo(contentType) && { video: true as const }) });
    const [, updated] = await database.batch([
      saveEffectIf(effect, IF_UNFINISHED, [id]),
      statement(FINISH, id, contentType, Date.now() + UNPUBLISHED_KEPT_FOR),
    ]);
    return updated?.changes === 0 ? undefined : effect;
  });
  if (finished) {
    await sendEffect(env, finished);
    return true;
  }
  return (await database.first(FINISHED, id)) !== undefined;
}

const IF_UNFINISHED = textOf(sql`
  EXISTS (SELECT 1 FROM ${media} WHERE ${media.id} = ?4 AND ${media.state} = ${mediaState("uploading")})`);

const FINISH = textOf(sql`
  UPDATE ${media} SET
    ${bare(media.state)} = ${mediaState("uploaded")}, ${bare(media.contentType)} = ?2, ${bare(media.lookAt)} = ?3
  WHERE ${media.id} = ?1 AND ${media.state} = ${mediaState("uploading")}`);

const FINISHED = textOf(sql`
  SELECT 1 FROM ${media}
  WHERE ${media.id} = ?1 AND ${media.state} NOT IN (${mediaState("uploading")}, ${mediaState("deleted")})`);

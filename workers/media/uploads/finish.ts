import { statement } from "../../../schema/d1/database.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { isVideo, type MediaType } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
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
      saveEffectIf(effect, "EXISTS (SELECT 1 FROM media WHERE id = ?4 AND state = 'uploading')", [id]),
      statement(
        "UPDATE media SET state = 'uploaded', content_type = ?, look_at = ? WHERE id = ? AND state = 'uploading'",
        contentType,
        Date.now() + UNPUBLISHED_KEPT_FOR,
        id,
      ),
    ]);
    return updated?.changes === 0 ? undefined : effect;
  });
  if (finished) {
    await sendEffect(env, finished);
    return true;
  }
  return (
    (await database.first("SELECT 1 FROM media WHERE id = ? AND state NOT IN ('uploading', 'deleted')", id)) !==
    undefined
  );
}

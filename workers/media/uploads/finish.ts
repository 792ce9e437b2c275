import type { MediaId } from "../../../schema/ids.ts";
import { isVideo, type MediaType } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { UNUSED_FOR } from "../../../schema/media/upload-limits.ts";

/**
 * Writes that an upload's object is whole, and has it inspected. May be repeated: once it is written, this changes nothing.
 * False when the upload is gone. One batch, and one query when another call has finished it.
 */
export async function finish(env: Env, id: MediaId, contentType: MediaType): Promise<boolean> {
  const database = databaseOf(env, id);
  const finished = await withFreshIds(async () => {
    const effect = newEffect(id, { kind: "inspect", media: id, ...(isVideo(contentType) && { video: true as const }) });
    const [, updated] = await database.batch([
      saveEffectIf(env, effect, "EXISTS (SELECT 1 FROM media WHERE id = ?4 AND state = 'uploading')", [id]),
      database
        .prepare(
          "UPDATE media SET state = 'uploaded', content_type = ?, look_at = ? WHERE id = ? AND state = 'uploading'",
        )
        .bind(contentType, Date.now() + UNUSED_FOR, id),
    ]);
    return updated?.meta.changes === 0 ? undefined : effect;
  });
  if (finished) {
    await sendEffect(env, finished);
    return true;
  }
  return (
    (await database
      .prepare("SELECT 1 FROM media WHERE id = ? AND state NOT IN ('uploading', 'deleted')")
      .bind(id)
      .first()) !== null
  );
}

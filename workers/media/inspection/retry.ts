/** Repeats the inspection of a file whose rejection may have been the fault of this service. */
import { statement } from "../../../schema/d1/database.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { isVideo } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import type { MediaRow } from "../files/media-row.ts";
import { RETRYABLE } from "../files/rejections.ts";

/** How often an owner may repeat an inspection. Each one costs calls of the Images binding. */
const RETRIES_MAX = 3;

/** Whether the owner may have a rejected file inspected again. */
export const mayInspectAgain = ({ rejection, details }: Pick<MediaRow, "rejection" | "details">): boolean =>
  RETRYABLE.has(rejection ?? "") && (details?.retries ?? 0) < RETRIES_MAX;

/** Has a rejected file inspected again, if the result may differ. Costs one batch and two rows written. */
export const inspectAgain = (env: Env, owner: PersonId, { id, contentType }: Pick<MediaRow, "id" | "contentType">) =>
  withFreshIds(async (): Promise<void> => {
    const effect = newEffect(id, { kind: "inspect", media: id, ...(isVideo(contentType) && { video: true }) });
    const condition = `EXISTS (SELECT 1 FROM media WHERE id = ?4 AND owner = ?5 AND ${MAY_RETRY})`;
    const [, again] = await databaseOf(env, id).patient.batch([
      saveEffectIf(effect, condition, [id, owner]),
      statement(AGAIN, id, owner),
    ]);
    if ((again?.changes ?? 0) > 0) await sendEffect(env, effect);
  });

const RETRIES = "coalesce(details ->> '$.retries', 0)";
const MAY_RETRY = `state = 'rejected' AND rejection IN (${[...RETRYABLE].map((code) => `'${code}'`).join(", ")})
  AND ${RETRIES} < ${RETRIES_MAX}`;

const AGAIN = `
  UPDATE media SET state = 'uploaded', rejection = NULL,
    details = json_set(coalesce(details, '{}'), '$.retries', ${RETRIES} + 1)
  WHERE id = ?1 AND owner = ?2 AND ${MAY_RETRY}`;

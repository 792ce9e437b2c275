/** Repeats the inspection of a file whose rejection may have been the fault of this service. */
import { sql } from "drizzle-orm";
import { statement } from "../../../schema/d1/database.ts";
import { bare, literal, textOf } from "../../../schema/d1/sql.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { isVideo } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { media } from "../../../schema/tables/posts.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { detail, type MediaRow, mediaState, pathOfDetail } from "../files/media-row.ts";
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
    const [, again] = await databaseOf(env, id).batch([
      saveEffectIf(effect, IF_MAY_RETRY, [id, owner]),
      statement(AGAIN, id, owner),
    ]);
    if ((again?.changes ?? 0) > 0) await sendEffect(env, effect);
  });

const RETRIES = sql`coalesce(${detail("retries")}, 0)`;
const RETRYABLE_CODES = sql.join([...RETRYABLE].map(literal), sql`, `);
const MAY_RETRY = sql`${media.state} = ${mediaState("rejected")} AND ${media.rejection} IN (${RETRYABLE_CODES})
  AND ${RETRIES} < ${literal(RETRIES_MAX)}`;

const IF_MAY_RETRY = textOf(sql`
  EXISTS (SELECT 1 FROM ${media} WHERE ${media.id} = ?4 AND ${media.owner} = ?5 AND ${MAY_RETRY})`);

const AGAIN = textOf(sql`
  UPDATE ${media} SET ${bare(media.state)} = ${mediaState("uploaded")}, ${bare(media.rejection)} = NULL,
    ${bare(media.details)} = json_set(coalesce(${media.details}, '{}'), ${pathOfDetail("retries")}, ${RETRIES} + 1)
  WHERE ${media.id} = ?1 AND ${media.owner} = ?2 AND ${MAY_RETRY}`);

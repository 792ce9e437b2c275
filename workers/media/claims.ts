import { and, eq, gt, inArray, isNull, not, sql } from "drizzle-orm";
import type { PostMedia } from "../../schema/posts.ts";
import type { MediaId, PersonId, PostId } from "../../schema/ids.ts";
import { isMovingError } from "../../schema/d1/shard-sql.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { MEDIA_CLAIM_LASTS } from "../../schema/media/upload-limits.ts";
import { media } from "../../schema/tables/posts.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import { logWarning } from "../../schema/log.ts";
import { reasonOf } from "./files/rejections.ts";
import { hasRenditions, movingOf } from "./present.ts";
import { IS_PROFILE_PICTURE, type MediaRow } from "./files/media-row.ts";
import { servedType } from "./videos/served-type.ts";
import { publishedMedia } from "./serving/published.ts";

/** A file that a post will show. Without `alt`, the post shows the file's own description. */
export type RequestedFile = { id: MediaId; alt?: string | undefined };

/**
 * Claims files of `owner` for a post before the post exists, so that collect.ts removes none that the post is about to
 * show. Returns the files in the order of `wanted`; throws `media_not_found`, `media_not_ready`, or `media_in_use` for the
 * profile picture. Another person's file counts as unknown: the query goes to the owner's database, whatever shard the id
 * names. Costs one D1 query and one row written per file. While D1 takes no writes, files that were never published can
 * still be published.
 */
export async function claimMedia(
  env: Env,
  owner: PersonId,
  post: PostId,
  wanted: readonly RequestedFile[],
  now = Date.now(),
): Promise<PostMedia[]> {
  const ids = wanted.map(({ id }) => id);
  const rows = await claimedRows(env, owner, post, ids, now);
  const claimed = new Map(rows.map((row) => [row.id, row]));
  if (ids.some((id) => !claimed.has(id))) throw await claimError(env, owner, ids);
  for (const id of ids) publishedMedia.dropAbsence(id); // An earlier request may have cached it as unpublished.
  return wanted.flatMap(({ id, alt }) => {
    const row = claimed.get(id);
    return row ? [postMediaOf(row, alt)] : [];
  });
}

async function claimedRows(env: Env, owner: PersonId, post: PostId, ids: MediaId[], now: number): Promise<MediaRow[]> {
  const db = databaseOf(env, owner).orm;
  const isMine = and(inArray(media.id, ids), eq(media.owner, owner));
  const isReady = and(isMine, eq(media.state, "ready"), not(IS_PROFILE_PICTURE));
  try {
    return await db.update(media).set({ claimedBy: post, claimedAt: now }).where(isReady).returning();
  } catch (error) {
    if (isMovingError(error)) throw error; // D1 works, and accepts the claim in a few seconds.
    logWarning("media not claimed, publishing only files that cannot be collected", { post, error: String(error) });
    // No other post has claimed these files, so no deletion takes them along, and the collector does not check them
    // within an hour.
    const isSafe = and(isNull(media.claimedBy), gt(media.lookAt, now + MEDIA_CLAIM_LASTS));
    return db.select().from(media).where(and(isReady, isSafe));
  }
}

function postMediaOf(row: MediaRow, alt: string | undefined): PostMedia {
  const { id, width, height, details } = row;
  const { thumbhash, pixelArt, video } = details ?? {};
  const moving = movingOf(row);
  return {
    id,
    width: width ?? 0,
    height: height ?? 0,
    alt: alt ?? row.alt,
    ...(thumbhash !== undefined && { thumbhash }),
    ...(pixelArt && { pixelArt }),
    ...(moving && { moving }),
    ...(video && {
      video: {
        durationMs: video.durationMs,
        hasAudio: video.audio !== null,
        contentType: servedType(row.contentType),
        poster: hasRenditions(row),
      },
    }),
  };
}

/** Returns why a file cannot be shown to others, if it is unknown, gone or not ready. */
export function refusalOf(id: MediaId, row: Pick<MediaRow, "state" | "rejection"> | undefined): Refusal | undefined {
  if (!row || row.state === "deleted") return new Refusal("media_not_found", `You have no media file ${id}`);
  if (row.rejection !== null) return new Refusal("media_not_ready", `${id}: ${reasonOf(row.rejection)}`);
  return row.state === "ready" ? undefined : new Refusal("media_not_ready", `${id} is still being processed`);
}

/** Returns why files of `owner` cannot be published now. Costs one D1 query. */
export async function claimError(env: Env, owner: PersonId, ids: readonly MediaId[]): Promise<Refusal> {
  const rows = await databaseOf(env, owner)
    .orm.select({ row: media, isPicture: sql<0 | 1>`${IS_PROFILE_PICTURE}` })
    .from(media)
    .where(and(inArray(media.id, [...ids]), eq(media.owner, owner)));
  const found = new Map(rows.map(({ row, isPicture }) => [row.id, { row, isPicture }]));
  for (const id of ids) {
    const { row, isPicture } = found.get(id) ?? {};
    const refusal = refusalOf(id, row);
    if (refusal) return refusal;
    if (isPicture) return new Refusal("media_in_use", `${id} is your profile picture. Upload it again to publish it.`);
  }
  return new Refusal("media_not_ready", "The media files were not ready a moment ago; try again");
}

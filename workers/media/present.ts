import type { Media } from "../../schema/api/media.ts";
import { timeOf } from "../../schema/ids.ts";
import { isMovingType, isVideo } from "../../schema/media/media-types.ts";
import type { Moving } from "../../schema/posts.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import type { MediaRow } from "./files/media-row.ts";
import { reasonOf } from "./files/rejections.ts";
import { mayInspectAgain } from "./inspection/retry.ts";
import type { Reader } from "../storage/reader.ts";
import { signedQueryFor } from "../reads/media-signatures.ts";
import { mediaUrls, movingPicture, videoUrl } from "../reads/media-urls.ts";

/** Whether a ready file has renditions: a picture always does, a video once it has a poster. */
export const hasRenditions = ({ details }: Pick<MediaRow, "details">): boolean =>
  !details?.video || details.thumbhash !== undefined;

const sizedMedia = ({ width, height, contentType }: MediaRow) => ({
  width: width ?? 0,
  height: height ?? 0,
  isVideo: isVideo(contentType),
});

/** How a ready picture moves, if it is served moving. */
export function movingOf({ contentType, details }: Pick<MediaRow, "contentType" | "details">): Moving | undefined {
  const isKept = details?.motion === "kept" && isMovingType(contentType);
  return isKept ? { contentType, frames: details.frames ?? 1 } : undefined;
}

/**
 * Returns an upload as the API shows it to its owner, the viewer. Its URLs are signed for them, because it may not be
 * published yet. Throws `media_not_found` once it is deleted.
 */
export async function presentMedia({ env, viewer }: Reader, row: MediaRow): Promise<Media> {
  const { state, rejection } = row;
  if (state === "deleted") throw new Refusal("media_not_found");
  const isReady = state === "ready";
  const moving = isReady ? movingOf(row) : undefined;
  const signature = isReady && viewer ? await signedQueryFor(env, row.id, viewer) : "";
  return {
    id: row.id,
    state,
    ...(rejection !== null && {
      rejection: { code: rejection, detail: reasonOf(rejection), mayRetry: mayInspectAgain(row) },
    }),
    contentType: row.contentType,
    bytes: row.bytes,
    ...(row.width !== null && { width: row.width }),
    ...(row.height !== null && { height: row.height }),
    ...(row.details !== null && { details: row.details }),
    alt: row.alt,
    ...(isReady && hasRenditions(row) && { urls: mediaUrls(row.id, signature, sizedMedia(row)) }),
    ...(moving && { moving: movingPicture(row.id, moving, signature) }),
    ...(isReady && row.details?.video && { videoUrl: videoUrl(row.id, signature) }),
    createdAt: new Date(timeOf(row.id)).toISOString(),
    ...(row.lookAt !== null && row.claimedBy === null && { keptUntil: new Date(row.lookAt).toISOString() }),
  };
}

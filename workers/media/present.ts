import type { Media } from "../../schema/api/media.ts";
import { timeOf } from "../../schema/ids.ts";
import { ApiError } from "../../schema/api/refusals.ts";
import type { MediaRow } from "./media-row.ts";
import { reasonOf } from "./inspection/rejections.ts";
import { mayRetry } from "./inspection/retry.ts";
import { signatureFor } from "../reads/media-signatures.ts";
import { mediaUrls, videoUrl } from "../reads/media-urls.ts";

/** Whether a ready file has renditions: a picture always does, a video once it has a poster. */
export const hasRenditions = ({ details }: Pick<MediaRow, "details">): boolean =>
  !details?.video || details.thumbhash !== undefined;

/**
 * Returns an upload as the API shows it to its owner. Its URLs are signed for the owner, because it may not be
 * published yet. Throws `media_not_found` once it is deleted.
 */
export async function presentMedia(env: Env, row: MediaRow): Promise<Media> {
  const { state, rejection } = row;
  if (state === "deleted") throw new ApiError("media_not_found");
  const isReady = state === "ready";
  const signature = isReady ? await signatureFor(env, row.id, row.owner) : "";
  return {
    id: row.id,
    state,
    ...(rejection !== null && { rejection: { code: rejection, detail: reasonOf(rejection), mayRetry: mayRetry(row) } }),
    contentType: row.contentType,
    bytes: row.bytes,
    ...(row.width !== null && { width: row.width }),
    ...(row.height !== null && { height: row.height }),
    ...(row.details !== null && { details: row.details }),
    alt: row.alt,
    ...(isReady && hasRenditions(row) && { urls: mediaUrls(row.id, signature) }),
    ...(isReady && row.details?.video && { videoUrl: videoUrl(row.id, signature) }),
    createdAt: new Date(timeOf(row.id)).toISOString(),
    ...(row.lookAt !== null && row.claimedBy === null && { keptUntil: new Date(row.lookAt).toISOString() }),
  };
}

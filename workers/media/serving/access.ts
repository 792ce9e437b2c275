/**
 * Decides who may see a file. A published file of a public account is public, and so is its URL. Any other file needs a
 * URL that was signed for the viewer; without one the response is the same as for a file that does not exist.
 */
import type { MediaId } from "../../../schema/ids.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { privateAmong } from "../../reads/private-accounts.ts";
import type { Reader } from "../../storage/reader.ts";
import { seesPostsOf } from "../../reads/visibility.ts";
import { publishedMedia, readyMedia, type MediaInfo } from "./published.ts";
import { verifySignature } from "../../reads/media-signatures.ts";

/** `until`: when the signed URL expires, in seconds since 1970; undefined for a public file. */
export type Access = MediaInfo & { until: number | undefined };

/**
 * Returns what the viewer may see of a file, or throws `media_not_found`. Costs nothing if this isolate looked up the
 * file in the last ten seconds and its owner in the last second; otherwise one KV read, one D1 query, or both. A signed
 * URL costs one more query per viewer, owner and second; for an unpublished file, two per request.
 */
export async function accessTo(reader: Reader, id: MediaId, query: Record<string, string>): Promise<Access> {
  const published = (await publishedMedia.get(reader, [id])).get(id);
  if (published && !(await isPrivate(reader, published))) return { ...published, until: undefined };
  const signed = await verifySignature(reader.env, id, query);
  if (signed) {
    const { viewer, until } = signed;
    const media = published ? { ...published, isPublished: true } : await readyMedia(reader, id);
    if (media && (viewer === media.owner || (media.isPublished && (await seesPostsOf(reader, viewer, media.owner)))))
      return { ...media, until };
  }
  throw new ApiError("media_not_found");
}

const isPrivate = async (reader: Reader, { owner }: MediaInfo): Promise<boolean> =>
  (await privateAmong(reader, new Set([owner]))).has(owner);

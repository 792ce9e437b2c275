/**
 * Who may see a file. What somebody has published who is not private is everybody's, as its address is. All else needs an
 * address that was signed for who asks, and is refused as if it were not there.
 */
import type { MediaId } from "../../../schema/ids.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { privateAmong } from "../../reads/private-accounts.ts";
import type { Reader } from "../../storage/reader.ts";
import { seesPostsOf } from "../../reads/visibility.ts";
import { publishedMedia, readyMedia, type Standing } from "./published.ts";
import { verified } from "../../reads/media-signatures.ts";

/** `until`: when the address ends, in s since 1970; undefined of one that is everybody's. */
export type Access = Standing & { until: number | undefined };

/**
 * Throws `media_not_found`. Costs nothing for a file that was asked for in the last ten seconds and whose owner in the last;
 * else one KV read or one D1 query, or both. A signed address costs one more query for each person and owner and second;
 * of a file that is not published, two for each request.
 */
export async function accessTo(reader: Reader, id: MediaId, query: Record<string, string>): Promise<Access> {
  const published = (await publishedMedia.get(reader, [id])).get(id);
  if (published && !(await isPrivate(reader, published))) return { ...published, until: undefined };
  const signed = await verified(reader.env, id, query);
  if (signed) {
    const { viewer, until } = signed;
    const media = published ? { ...published, isPublished: true } : await readyMedia(reader, id);
    if (media && (viewer === media.owner || (media.isPublished && (await seesPostsOf(reader, viewer, media.owner)))))
      return { ...media, until };
  }
  throw new ApiError("media_not_found");
}

const isPrivate = async (reader: Reader, { owner }: Standing): Promise<boolean> =>
  (await privateAmong(reader, new Set([owner]))).has(owner);

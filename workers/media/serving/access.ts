/**
 * Decides who may see a file. A published file of a public account is public, and so is its URL. Any other file needs a
 * URL that was signed for the viewer; without one the response is the same as for a file that does not exist.
 */
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { bindingOf } from "../../../schema/d1/shards.ts";
import { type Audience, includes } from "../../../schema/viewing.ts";
import { audiences, NO_MARKS } from "../../reads/documents.ts";
import type { Reader } from "../../storage/reader.ts";
import { isSessionOpen } from "../../reads/open-sessions.ts";
import { seesPostsOf } from "../../reads/visibility.ts";
import { publishedMedia, readyMedia, type MediaInfo, type PublishedMedia } from "./published.ts";
import { verifySignature } from "../../reads/media-signatures.ts";

/** `until`: when the signed URL expires, in seconds since 1970; undefined for a public file. */
export type Access = MediaInfo & { until: number | undefined };

/**
 * Returns what the viewer may see of a file, or throws `media_not_found`. Costs nothing if this isolate looked up the
 * file in the last ten seconds and its owner in the last second; otherwise one KV read, one D1 query, or both. A signed
 * URL costs one more query, and one in ten seconds for its session, at the same time; for an unpublished file, one more.
 */
export async function accessTo(reader: Reader, id: MediaId, query: Record<string, string>): Promise<Access> {
  const published = (await publishedMedia.get(reader, [id])).get(id);
  const audience = published ? await audienceOf(reader, published) : NOBODY;
  if (published && !audience.isPrivate) return { ...published, until: undefined };
  const signed = await verifySignature(reader.env, id, query);
  if (signed) {
    const { viewer, until } = signed;
    const [media, isOpen] = await Promise.all([
      seenMedia(reader, id, viewer.person, published, audience),
      isSessionOpen(reader, viewer),
    ]);
    if (media && isOpen) return { ...media, until };
  }
  throw new Refusal("media_not_found");
}

/** Returns the file if a viewer who has proved who they are may see it. */
async function seenMedia(
  reader: Reader,
  id: MediaId,
  viewer: PersonId,
  published: PublishedMedia | undefined,
  audience: Audience,
): Promise<MediaInfo | undefined> {
  const media = published ? { ...published, isPublished: true } : await readyMedia(reader, id);
  if (!media || viewer === media.owner) return media;
  return media.isPublished && (await seesPostsOf(reader, viewer, media.owner, audience)) ? media : undefined;
}

const NOBODY: Audience = { isPrivate: true, marks: NO_MARKS };
const PUBLIC: Audience = { isPrivate: false, marks: NO_MARKS };

/**
 * Returns who may see the owner's posts, from a state that includes the publishing of the file. What is known about the
 * file may be newer than what is known about its owner: it may come from another isolate, by KV.
 */
async function audienceOf(reader: Reader, { owner, at }: PublishedMedia): Promise<Audience> {
  if (at !== undefined) reader.seen.reached(bindingOf(reader.env, owner), at);
  const known = (await audiences.get(reader, [owner])).get(owner);
  if (known && includes(known.at, at)) return known;
  return (await audiences.renew(reader, [owner])).get(owner) ?? PUBLIC;
}

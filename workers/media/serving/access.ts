/**
 * Decides who may see a file. A published file of a public account is public, and so is its URL. Any other file needs a
 * URL that was signed for the viewer; without one the response is the same as for a file that does not exist. The squares of
 * a profile picture are public like the name of its owner, and nothing else of the file is.
 */
import { sql } from "drizzle-orm";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { isModerator, type Role } from "../../../schema/moderation.ts";
import { people } from "../../../schema/tables/people.ts";
import { takeDownMark } from "../../../schema/d1/exclusion-marks.ts";
import { textOf } from "../../../schema/d1/sql.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { bindingOf } from "../../../schema/d1/shards.ts";
import { type Audience, includes } from "../../../schema/viewing.ts";
import { audiences, NO_MARKS } from "../../reads/documents.ts";
import type { Reader } from "../../storage/reader.ts";
import { isSessionOpen } from "../../reads/open-sessions.ts";
import { seesPostsOf } from "../../reads/visibility.ts";
import { type MediaInfo, profilePictures, publishedMedia, type PublishedMedia, readyMedia } from "./published.ts";
import { verifySignature } from "../../reads/media-signatures.ts";

/** `until`: when the signed URL expires, in seconds since 1970; undefined for a public file. */
export type Access = MediaInfo & { until: number | undefined };

/**
 * Returns what the viewer may see of a file, or throws `media_not_found`. Costs nothing if this isolate looked up the
 * file in the last ten seconds and its owner in the last second; otherwise one KV read, one D1 query, or both. A signed
 * URL costs one more query, and one in ten seconds for its session, at the same time; for an unpublished file, one more.
 */
export async function accessTo(reader: Reader, id: MediaId, query: Record<string, string>): Promise<Access> {
  const known = (await publishedMedia.get(reader, [id])).get(id);
  const audience = known ? await audienceOf(reader, known) : NOBODY;
  const published = known && (await asNewAs(reader, id, known, audience));
  if (published && !audience.isPrivate && !audience.isBarred) return { ...published, until: undefined };
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

/**
 * Returns the access that everybody has to the squares of a profile picture, or throws `media_not_found`. Costs nothing if
 * this isolate looked the file up in the last ten seconds, otherwise one D1 query.
 */
export async function accessToSquares(reader: Reader, id: MediaId): Promise<Access> {
  const picture = (await profilePictures.get(reader, [id])).get(id);
  if (!picture) throw new Refusal("media_not_found");
  return { ...picture, until: undefined };
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
  const isSeen = media.isPublished && (await seesPostsOf(reader, viewer, media.owner, audience));
  return isSeen || (await mayModerate(reader, viewer)) ? media : undefined;
}

const NOBODY: Audience = { isPrivate: true, isBarred: false, marks: NO_MARKS };
const PUBLIC: Audience = { isPrivate: false, isBarred: false, marks: NO_MARKS };

/** Returns what a state says that includes the last take-down of a post of the owner. KV may hold an older one. */
async function asNewAs(
  reader: Reader,
  id: MediaId,
  known: PublishedMedia,
  { marks }: Audience,
): Promise<PublishedMedia | undefined> {
  const binding = bindingOf(reader.env, known.owner);
  const mark = marks[takeDownMark(binding)];
  if (includes(known.at, mark)) return known;
  if (mark !== undefined) reader.seen.reached(binding, mark);
  return (await publishedMedia.renew(reader, [id])).get(id);
}

/** Whether the person that a URL was signed for may moderate. Costs one D1 query. */
async function mayModerate(reader: Reader, person: PersonId): Promise<boolean> {
  const [row] = await reader.replica<{ role: Role }>(person, ROLE, person);
  return isModerator(row?.role);
}

const ROLE = textOf(sql`SELECT ${people.role} FROM ${people} WHERE ${people.id} = ?1`);

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

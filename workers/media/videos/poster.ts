/**
 * Stores the poster of a video. Nothing here decodes video, so the owner uploads a picture. A video has a poster, with
 * all renditions, while `details.thumbhash` is set: it is removed before any of these change, and set after the last is
 * stored.
 */
import { and, eq, notInArray, sql } from "drizzle-orm";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { detectMediaType } from "../../../schema/media/file-signatures.ts";
import { isVideo, type MediaType, type PictureType } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { people } from "../../../schema/tables/people.ts";
import { media } from "../../../schema/tables/posts.ts";
import { mediaState, pathOfDetail } from "../files/media-row.ts";
import { bytesInMemory } from "../bytes/byte-source.ts";
import { Rejected, reasonOf } from "../files/rejections.ts";
import { posterKey, renditionKeys } from "../files/objects.ts";
import { makeRenditions, sizeOfAll, storeRenditions } from "../pictures/renditions.ts";
import { readHeader } from "../pictures/formats/header.ts";
import { thumbhashOf } from "../pictures/thumbhash.ts";
import { limitOf } from "../uploads/reserve.ts";
import { whileMoving } from "../../storage/while-moving.ts";

export const POSTER_MAX_BYTES = 5 * 1024 * 1024;
const POSTER_TYPES = new Set<MediaType>(["image/jpeg", "image/png", "image/webp", "image/avif"]);
const mayBePoster = (type: MediaType): type is PictureType => POSTER_TYPES.has(type);

/** Makes `picture` the poster of an unpublished video of `owner`. Throws `Refusal`. */
export async function setPoster(env: Env, owner: PersonId, id: MediaId, picture: Uint8Array): Promise<void> {
  await requireVideo(env, owner, id);
  const type = detectMediaType(picture);
  if (!type || !mayBePoster(type))
    throw new Refusal("unsupported_type", "A poster must be a JPEG, PNG, WebP or AVIF picture");
  try {
    await readHeader(bytesInMemory(picture), type);
    await replace(env, owner, id, picture, type);
  } catch (error) {
    if (error instanceof Rejected) throw new Refusal("invalid_request", reasonOf(error.code));
    throw error;
  }
}

const isFile = (owner: PersonId, id: MediaId) => and(eq(media.id, id), eq(media.owner, owner));

async function requireVideo(env: Env, owner: PersonId, id: MediaId): Promise<void> {
  const { state, contentType, rejection, claimedBy } = media;
  const row = await databaseOf(env, owner)
    .orm.select({ state, contentType, rejection, claimedBy })
    .from(media)
    .where(isFile(owner, id))
    .get();
  if (!row || row.state === "deleted") throw new Refusal("media_not_found");
  if (!isVideo(row.contentType)) throw new Refusal("invalid_request", "Only a video can have a poster");
  if (row.rejection !== null) throw new Refusal("media_not_ready", reasonOf(row.rejection));
  if (row.claimedBy !== null) throw new Refusal("already_published");
  if (row.state === "uploading")
    throw new Refusal("media_not_ready", "The video is still being uploaded; try again when it is complete");
}

// Publishing reads the thumbhash, so a video that is published during a replacement has no poster.
async function replace(env: Env, owner: PersonId, id: MediaId, picture: Uint8Array, type: MediaType): Promise<void> {
  await begin(env, owner, id, picture.length);
  // The picture comes first, so that a task encoding the previous one notices the change (serving/on-demand.ts).
  await env.MEDIA.put(posterKey(id), picture, { httpMetadata: { contentType: type } });
  await env.MEDIA.delete(renditionKeys(id)); // Existing renditions would be neither made again nor overwritten.
  const [renditions, thumbhash] = await Promise.all([
    makeRenditions(env, posterKey(id)),
    thumbhashOf(env, posterKey(id)),
  ]);
  await storeRenditions(env, id, renditions);
  try {
    await whileMoving(env, () => end(env, owner, id, thumbhash, picture.length + sizeOfAll(renditions)));
  } catch (error) {
    await forget(env, owner, id);
    throw error;
  }
}

// The renditions of the old poster are about to be deleted, also those that were made on demand.
const ON_DEMAND = sql`(SELECT coalesce(sum(value), 0) FROM json_each(${media.onDemand}))`;

// The updates change only their part of `details`, because inspection may write the rest at the same time.
const MAY_HAVE_ONE = sql`${media.id} = ?1 AND ${media.owner} = ?2
  AND ${media.state} IN (${mediaState("uploaded")}, ${mediaState("ready")}) AND ${media.claimedBy} IS NULL`;

const BEGIN = textOf(sql`
  UPDATE ${media} SET ${bare(media.details)} = json_remove(${media.details}, ${pathOfDetail("thumbhash")}),
    ${bare(media.posterBytes)} = ?3, ${bare(media.derivedBytes)} = ${media.derivedBytes} - ${ON_DEMAND},
    ${bare(media.onDemand)} = NULL
  WHERE ${MAY_HAVE_ONE} AND coalesce((SELECT ${people.mediaBytes} FROM ${people} WHERE ${people.id} = ?2), 0)
    - ${media.posterBytes} + ?3 <= ?4`);

const END = textOf(sql`
  UPDATE ${media} SET
    ${bare(media.details)} = json_set(coalesce(${media.details}, '{}'), ${pathOfDetail("thumbhash")}, ?3),
    ${bare(media.posterBytes)} = ?4
  WHERE ${MAY_HAVE_ONE}`);

/** Removes the thumbhash, so that the video has no poster, and counts the bytes of the new one against the quota. */
async function begin(env: Env, owner: PersonId, id: MediaId, bytes: number): Promise<void> {
  const changes = await databaseOf(env, owner).run(BEGIN, id, owner, bytes, limitOf(env));
  if (changes > 0) return;
  await requireVideo(env, owner, id);
  throw new Refusal("quota_exceeded");
}

async function end(env: Env, owner: PersonId, id: MediaId, thumbhash: string, bytes: number): Promise<void> {
  const changes = await databaseOf(env, owner).run(END, id, owner, thumbhash, bytes);
  if (changes === 0) await requireVideo(env, owner, id);
}

// If the video was rejected or deleted meanwhile, its other objects are gone, and nothing would find these again.
async function forget(env: Env, owner: PersonId, id: MediaId): Promise<void> {
  const row = await databaseOf(env, owner)
    .orm.select({ id: media.id })
    .from(media)
    .where(and(isFile(owner, id), notInArray(media.state, ["rejected", "deleted"])))
    .get();
  if (!row) await env.MEDIA.delete([posterKey(id), ...renditionKeys(id)]);
}

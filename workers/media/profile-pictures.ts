/**
 * Profile pictures. `people.picture` names the file, and is all there is to say that the file is in use: it is read in the
 * statement that would delete the file (collect.ts) or claim it for a post (claims.ts), and D1 runs one statement at a time.
 */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { bare, textOf } from "../../schema/d1/sql.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import type { MediaId, PersonId } from "../../schema/ids.ts";
import { logWarning } from "../../schema/log.ts";
import { isVideo } from "../../schema/media/media-types.ts";
import { SQUARES } from "../../schema/media/squares.ts";
import { UNPUBLISHED_KEPT_FOR } from "../../schema/media/upload-limits.ts";
import { people } from "../../schema/tables/people.ts";
import { media } from "../../schema/tables/posts.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import { personDocuments } from "../reads/documents.ts";
import type { Reader } from "../storage/reader.ts";
import { refusalOf } from "./claims.ts";
import { FORMATS, renditionKey } from "./files/objects.ts";
import { type MediaRow, mediaState } from "./files/media-row.ts";
import { storeSquares } from "./pictures/renditions.ts";
import { profilePictures } from "./serving/published.ts";

/**
 * Makes a file of `person` their profile picture, in place of an earlier one, which is then kept like an unpublished upload.
 * Setting it again changes nothing. Throws `media_not_found`, `media_not_ready`, `not_a_picture`, or `already_published` for
 * a file of a post. Costs one D1 query and one batch of 3 rows, 5 in place of another picture, and two calls of the Images
 * binding for a file that was no profile picture before.
 */
export async function setProfilePicture(reader: Reader, person: PersonId, id: MediaId): Promise<void> {
  const { env } = reader;
  const bytes = (await usable(env, person, id)).squareBytes || (await squaresOf(env, id));
  const results = await reader.write<{ id: MediaId }>(person, [
    statement(RELEASE_OTHER, person, Date.now() + UNPUBLISHED_KEPT_FOR, id),
    statement(SET, person, id),
    statement(KEEP, person, id, bytes),
  ]);
  if (results[1]?.changes === 0) {
    const refusal = await usable(env, person, id).catch((error: unknown) => error);
    // Its other objects are gone, and nothing would find the squares again.
    if (refusal instanceof Refusal && refusal.code === "media_not_found") await env.MEDIA.delete(squareKeys(id));
    throw refusal instanceof Error
      ? refusal
      : new Refusal("media_not_ready", "It was not ready a moment ago; try again");
  }
  profilePictures.dropAbsence(id);
  await forgetPicture(env, person, results[0]?.rows ?? []);
}

/** Removes the profile picture of `person`, if they have one. Costs one D1 batch of 3 rows. */
export async function removeProfilePicture(reader: Reader, person: PersonId): Promise<void> {
  const [released] = await reader.write<{ id: MediaId }>(person, removalStatements(person));
  await forgetPicture(reader.env, person, released?.rows ?? []);
}

/**
 * Returns the statements that remove a profile picture: whichever it is or, for the removal of one that somebody has seen,
 * only if it is still `seen`. The first returns the file.
 */
export const removalStatements = (person: PersonId, seen?: MediaId): Statement[] => [
  statement(RELEASE, person, Date.now() + UNPUBLISHED_KEPT_FOR, seen ?? null),
  statement(REMOVE, person, seen ?? null),
];

/** Makes this isolate show a person without the picture they had. Others show it for a moment: published.ts. */
export async function forgetPicture(env: Env, person: PersonId, [released]: readonly { id: MediaId }[]): Promise<void> {
  if (released) profilePictures.drop(released.id);
  await personDocuments.forget(env, person);
}

/** Returns the row of a file that may become a profile picture, or throws. Costs one D1 query. */
async function usable(env: Env, person: PersonId, id: MediaId): Promise<Pick<MediaRow, "squareBytes">> {
  const row = await databaseOf(env, person).first<
    Pick<MediaRow, "state" | "rejection" | "contentType" | "claimedBy" | "squareBytes">
  >(FILE, id, person);
  const refusal = refusalOf(id, row);
  if (!row || refusal) throw refusal ?? new Refusal("media_not_found");
  if (isVideo(row.contentType)) throw new Refusal("not_a_picture");
  if (row.claimedBy !== null)
    throw new Refusal("already_published", "A post shows this picture. Upload it again to use it as profile picture.");
  return row;
}

/** Makes the squares of a file, and returns their size. Throws `unavailable` when the encoder or the bucket fails. */
async function squaresOf(env: Env, id: MediaId): Promise<number> {
  try {
    return await storeSquares(env, id);
  } catch (error) {
    logWarning("squares not made", { id, error: String(error) });
    throw new Refusal("unavailable", "The picture cannot be made right now; please try again later");
  }
}

const squareKeys = (id: MediaId): string[] =>
  SQUARES.flatMap((square) => FORMATS.map((format) => renditionKey(id, square, format)));

// It goes to the person's database, so the file of somebody else is unknown.
const FILE = textOf(sql`
  SELECT ${media.state}, ${media.rejection}, ${media.contentType} AS "contentType", ${media.claimedBy} AS "claimedBy",
    ${media.squareBytes} AS "squareBytes"
  FROM ${media} WHERE ${media.id} = ?1 AND ${media.owner} = ?2`);

/** A file that nothing has claimed since it was found to be usable. */
const isFree = (id: string) => sql`EXISTS (
  SELECT 1 FROM ${media}
  WHERE ${media.id} = ${sql.raw(id)} AND ${media.owner} = ?1 AND ${media.state} = ${mediaState("ready")}
    AND ${media.claimedBy} IS NULL)`;

const PRESENT = sql`(SELECT ${people.picture} FROM ${people} WHERE ${people.id} = ?1)`;

// A file that is claimed is looked after by its post.
const RELEASE_OTHER = textOf(sql`
  UPDATE ${media} SET ${bare(media.lookAt)} = ?2
  WHERE ${media.id} = ${PRESENT} AND ${media.id} <> ?3 AND ${media.claimedBy} IS NULL AND ${isFree("?3")}
  RETURNING ${media.id}`);
const SET = textOf(sql`
  UPDATE ${people} SET ${bare(people.picture)} = ?2 WHERE ${people.id} = ?1 AND ${isFree("?2")}`);
// Counted once, however often the file is set.
const KEEP = textOf(sql`
  UPDATE ${media} SET ${bare(media.lookAt)} = NULL, ${bare(media.squareBytes)} = ?3,
    ${bare(media.derivedBytes)} = ${media.derivedBytes} - ${media.squareBytes} + ?3
  WHERE ${media.id} = ?2 AND ${media.id} = ${PRESENT} AND (${media.lookAt} IS NOT NULL OR ${media.squareBytes} <> ?3)`);

const RELEASE = textOf(sql`
  UPDATE ${media} SET ${bare(media.lookAt)} = iif(${media.claimedBy} IS NULL, ?2, ${media.lookAt})
  WHERE ${media.id} = ${PRESENT} AND (?3 IS NULL OR ${media.id} = ?3) RETURNING ${media.id}`);
const REMOVE = textOf(sql`
  UPDATE ${people} SET ${bare(people.picture)} = NULL
  WHERE ${people.id} = ?1 AND ${people.picture} IS NOT NULL AND (?2 IS NULL OR ${people.picture} = ?2)`);

/** Which files are published or a profile picture, and whose they are. This must be known before a byte of a file is served. */
import { sql } from "drizzle-orm";
import { isOpenSql } from "../../../schema/d1/closed-people.ts";
import { PICTURE } from "../../../schema/d1/person-cards.ts";
import { literal, textOf } from "../../../schema/d1/sql.ts";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { isVideo } from "../../../schema/media/media-types.ts";
import type { SizedMedia } from "../../../schema/media/renditions.ts";
import { MEDIA_CLAIM_LASTS } from "../../../schema/media/upload-limits.ts";
import { people } from "../../../schema/tables/people.ts";
import { media, postStats } from "../../../schema/tables/posts.ts";
import { type MediaRow, mediaState } from "../files/media-row.ts";
import { AUDIENCE_COLUMNS, audienceOf, type AudienceRow, audiences } from "../../reads/documents.ts";
import type { Reader } from "../../storage/reader.ts";
import { Tiers } from "../../storage/tiers.ts";

/** The size is that of the upright picture, in pixels. */
export type MediaInfo = SizedMedia & { owner: PersonId };
/** `at`: the bookmark of the state in which the file was published. */
export type PublishedMedia = MediaInfo & { at?: string | undefined };

/**
 * How long an isolate that knows a file may still serve it after its deletion. A deletion also removes the entry in KV
 * (`forget`), which reaches other locations within a minute.
 */
const FRESH_FOR = 10_000; // ms
const REMEMBERED = 20_000;

/**
 * The published files. An isolate believes for one second that a file is not published; the one that publishes it calls
 * `dropAbsence`. A load costs one D1 query, which also returns who may see the owner's posts, and another one of the
 * primary if a replica does not have the file as published.
 */
export const publishedMedia = new Tiers<MediaId, PublishedMedia>({
  kv: "sized-media", // Entries under "media" had no size.
  freshFor: FRESH_FOR,
  max: REMEMBERED,
  load: async (reader, ids) => {
    const found = await Promise.all(
      ids.map(async (id) => {
        const { rows, at } = await reader.existing<PublishedRow>(id, PUBLISHED, [id]);
        for (const row of rows) audiences.learn(row.owner, { ...audienceOf(row), at });
        return rows.map((row) => [row.id, { ...infoOf(row), at }] as const);
      }),
    );
    return new Map(found.flat());
  },
});

type Row = Pick<MediaRow, "id" | "owner" | "contentType" | "width" | "height">;
type PublishedRow = Row & AudienceRow;

// A post that was not taken down shows the file, or is about to and may be read before it is in D1.
const IS_PUBLISHED = sql`${media.claimedBy} IS NOT NULL
  AND NOT EXISTS (
    SELECT 1 FROM ${postStats} WHERE ${postStats.post} = ${media.claimedBy} AND ${postStats.takenDown} = 1)
  AND (${media.lookAt} IS NULL OR ${media.claimedAt} > unixepoch() * 1000 - ${literal(MEDIA_CLAIM_LASTS)})`;

const COLUMNS = sql`
  ${media.id}, ${media.owner}, ${media.contentType} AS "contentType", ${media.width}, ${media.height}`;

const PUBLISHED = textOf(sql`
  SELECT ${COLUMNS}, ${AUDIENCE_COLUMNS} FROM ${media} LEFT JOIN ${people} ON ${people.id} = ${media.owner}
  WHERE ${media.id} = ?1 AND ${media.state} = ${mediaState("ready")} AND ${IS_PUBLISHED}
    AND ${isOpenSql(media.owner)}`);

/**
 * The files that are their owner's profile picture. An isolate serves one for up to FRESH_FOR after it was removed; KV is
 * not used, because it would make that a minute. A load costs one D1 query, and another one of the primary for what a
 * replica does not have.
 */
export const profilePictures = new Tiers<MediaId, MediaInfo>({
  freshFor: FRESH_FOR,
  max: REMEMBERED,
  load: async (reader, ids) => {
    const found = await Promise.all(ids.map((id) => reader.existing<Row>(id, SHOWN_BY_OWNER, [id])));
    return new Map(found.flatMap(({ rows }) => rows.map((row) => [row.id, infoOf(row)] as const)));
  },
});

const SHOWN_BY_OWNER = textOf(sql`
  SELECT ${COLUMNS} FROM ${media} JOIN ${people} ON ${people.id} = ${media.owner} AND ${PICTURE} = ${media.id}
  WHERE ${media.id} = ?1 AND ${media.state} = ${mediaState("ready")}`);

const infoOf = ({ owner, contentType, width, height }: Row): MediaInfo => ({
  owner,
  isVideo: isVideo(contentType),
  width: width ?? 0,
  height: height ?? 0,
});

/** Returns a ready file, published or not, from the primary. Costs one D1 query. */
export async function readyMedia(
  reader: Reader,
  id: MediaId,
): Promise<(MediaInfo & { isPublished: boolean }) | undefined> {
  const [row] = await reader.primary<Row & { isPublished: 0 | 1 }>(id, READY, id);
  return row && { ...infoOf(row), isPublished: row.isPublished === 1 };
}

const READY = textOf(sql`
  SELECT ${COLUMNS}, ${IS_PUBLISHED} AS "isPublished" FROM ${media}
  WHERE ${media.id} = ?1 AND ${media.state} = ${mediaState("ready")} AND ${isOpenSql(media.owner)}`);

/** Which files are published, and by whom. This must be known before a byte of a file is served. */
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { type MediaType, isVideo } from "../../../schema/media/media-types.ts";
import { CLAIMED_FOR } from "../../../schema/media/upload-limits.ts";
import { learnStanding } from "../../reads/private-accounts.ts";
import type { Reader } from "../../storage/reader.ts";
import { Tiers } from "../../storage/tiers.ts";

export type MediaInfo = { owner: PersonId; isVideo: boolean };

/**
 * How long an isolate that knows a file may still serve it after its deletion. A deletion also removes the entry in KV
 * (`forget`), which reaches other locations within a minute.
 */
const FRESH_FOR = 10_000; // ms
const REMEMBERED = 20_000;

/**
 * The published files. An isolate believes for one second that a file is not published; the one that publishes it calls
 * `dropAbsence`. A load costs one D1 query, which also returns whether the owner is private.
 */
export const publishedMedia = new Tiers<MediaId, MediaInfo>({
  kv: "media",
  freshFor: FRESH_FOR,
  max: REMEMBERED,
  load: async (reader, ids) => {
    const at = Date.now();
    const rows = await reader.primariesByIds<Row & { private: 0 | 1 | null }>(ids, PUBLISHED);
    for (const row of rows) learnStanding(row.owner, row.private === 1, at);
    return new Map(rows.map((row) => [row.id, infoOf(row)]));
  },
});

type Row = { id: MediaId; owner: PersonId; type: MediaType };

// A post shows the file, or is about to and may be read before it is in D1.
const IS_PUBLISHED = `claimed_by IS NOT NULL AND (look_at IS NULL OR claimed_at > unixepoch() * 1000 - ${CLAIMED_FOR})`;

const PUBLISHED = `
  SELECT media.id, owner, content_type AS type, private FROM media LEFT JOIN people ON people.id = owner
  WHERE media.id IN (SELECT value FROM json_each(?1)) AND state = 'ready' AND ${IS_PUBLISHED}`;

const infoOf = ({ owner, type }: Row): MediaInfo => ({ owner, isVideo: isVideo(type) });

/** Returns a ready file, published or not, from the primary. Costs one D1 query. */
export async function readyMedia(
  reader: Reader,
  id: MediaId,
): Promise<(MediaInfo & { isPublished: boolean }) | undefined> {
  const [row] = await reader.primary<Row & { isPublished: 0 | 1 }>(id, READY, id);
  return row && { ...infoOf(row), isPublished: row.isPublished === 1 };
}

const READY = `
  SELECT id, owner, content_type AS type, ${IS_PUBLISHED} AS isPublished FROM media WHERE id = ?1 AND state = 'ready'`;

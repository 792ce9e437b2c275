/** Which files are published, and by whom: what must be known before a byte of one is served. */
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { type MediaType, isVideo } from "../../../schema/media/media-types.ts";
import { CLAIMED_FOR } from "../../../schema/media/upload-limits.ts";
import { learnStanding } from "../../reads/private-accounts.ts";
import type { Reader } from "../../storage/reader.ts";
import { Tiers } from "../../storage/tiers.ts";

export type Standing = { owner: PersonId; isVideo: boolean };

/**
 * How long a file that was deleted may still be served by an isolate that knew it. What is written to KV is deleted there
 * with it (`forget`), which other places hear of within a minute.
 */
const FRESH_FOR = 10_000; // ms
const REMEMBERED = 20_000;

/**
 * The published ones. That one is not (yet) is believed for a second, and by whoever publishes it not at all if they say
 * `dropAbsence`. One D1 query, which also tells whether the owner is private.
 */
export const publishedMedia = new Tiers<MediaId, Standing>({
  kv: "media",
  freshFor: FRESH_FOR,
  max: REMEMBERED,
  load: async (reader, ids) => {
    const at = Date.now();
    const rows = await reader.primariesByIds<Row & { private: 0 | 1 | null }>(ids, PUBLISHED);
    for (const row of rows) learnStanding(row.owner, row.private === 1, at);
    return new Map(rows.map((row) => [row.id, standingOf(row)]));
  },
});

type Row = { id: MediaId; owner: PersonId; type: MediaType };

// A post shows it; or is about to, and may be read before it is in D1.
const IS_PUBLISHED = `claimed_by IS NOT NULL AND (look_at IS NULL OR claimed_at > unixepoch() * 1000 - ${CLAIMED_FOR})`;

const PUBLISHED = `
  SELECT media.id, owner, content_type AS type, private FROM media LEFT JOIN people ON people.id = owner
  WHERE media.id IN (SELECT value FROM json_each(?1)) AND state = 'ready' AND ${IS_PUBLISHED}`;

const standingOf = ({ owner, type }: Row): Standing => ({ owner, isVideo: isVideo(type) });

/** A file whether it is published or not, as its database says now. One D1 query. */
export async function readyMedia(
  reader: Reader,
  id: MediaId,
): Promise<(Standing & { isPublished: boolean }) | undefined> {
  const [row] = await reader.primary<Row & { isPublished: 0 | 1 }>(id, READY, id);
  return row && { ...standingOf(row), isPublished: row.isPublished === 1 };
}

const READY = `
  SELECT id, owner, content_type AS type, ${IS_PUBLISHED} AS isPublished FROM media WHERE id = ?1 AND state = 'ready'`;

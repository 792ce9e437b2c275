/** What no row knows of, and so nothing else would ever delete: a rendition, say, that was stored while its file was deleted. */
import { EPOCH, MediaId, newId } from "../../schema/ids.ts";
import { queryByIds } from "../../schema/d1/by-ids.ts";
import { PREFIXES } from "./objects.ts";

/** Its row may be about to come back with a database that is restored. In ms. */
const ORPHANED_FOR = 24 * 3_600_000;
const LISTED_PER_SWEEP = 1000; // The most of one call.
/** Of so many, at least, one in so many may be an orphan: with more of them it is the databases that lack rows. */
const SUSPICIOUS = { from: 10, oneIn: 20 };

/**
 * Looks at up to 1,000 neighbouring objects of one kind, chosen at random, and deletes those without a row. Returns how
 * many. Costs one call of R2 and one query a database; a bucket of a million objects is gone through in about a day.
 */
export async function collectOrphans(env: Env, now = Date.now(), random = Math.random): Promise<number> {
  const prefix = PREFIXES[Math.floor(random() * PREFIXES.length)] ?? "";
  // Keys are in the order of their ids, and those in the order of time.
  const from = newId<MediaId>(0, EPOCH + Math.floor(random() * (now - EPOCH)), 0);
  const { objects } = await env.MEDIA.list({ prefix, startAfter: prefix + from, limit: LISTED_PER_SWEEP });
  const newest = newId<MediaId>(0, now - ORPHANED_FOR, 0);
  const listed = objects.flatMap(({ key }) => {
    const id = MediaId.safeParse(key.slice(prefix.length).split("/")[0]).data;
    return id !== undefined && id < newest ? [{ key, id }] : [];
  });
  const ids = new Set(listed.map(({ id }) => id));
  if (ids.size === 0) return 0;
  const rows = await queryByIds<{ id: MediaId }>(env, ids, KNOWN);
  const known = new Set(rows.map(({ id }) => id));
  const orphans = listed.filter(({ id }) => !known.has(id)).map(({ key }) => key);
  if (orphans.length >= SUSPICIOUS.from && orphans.length * SUSPICIOUS.oneIn > listed.length) {
    console.error("many objects without a row, none deleted: does SHARDS name the right databases?", {
      prefix,
      from,
      listed: listed.length,
      orphans: orphans.length,
    });
    return 0;
  }
  if (orphans.length > 0) await env.MEDIA.delete(orphans);
  return orphans.length;
}

const KNOWN = "SELECT id FROM media WHERE id IN (SELECT value FROM json_each(?1))";

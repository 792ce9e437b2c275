/**
 * Deletes orphans: objects without a row, which nothing else would ever delete. One example is a rendition that was
 * stored while its file was being deleted.
 */
import { sql } from "drizzle-orm";
import { EPOCH, MediaId, newId } from "../../schema/ids.ts";
import { queryByIds } from "../../schema/d1/by-ids.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { media } from "../../schema/tables/posts.ts";
import { logError } from "../../schema/log.ts";
import { PREFIXES } from "./files/objects.ts";

/** The minimum age of an orphan, because restoring a database may bring its row back. In ms. */
const ORPHANED_FOR = 24 * 3_600_000;
const LISTED_PER_SWEEP = 1000; // The maximum of one list call.
/** If ten or more objects, and over one in twenty of those listed, have no row, then the rows must be missing. */
const SUSPICIOUS = { from: 10, oneIn: 20 };

/**
 * Checks up to 1,000 neighbouring objects with one random prefix from a random position on, and deletes those without a
 * row. Returns how many it deleted. Costs one R2 list call and one query per database. A million objects take about a
 * day.
 */
export async function collectOrphans(env: Env, now = Date.now(), random = Math.random): Promise<number> {
  const prefix = PREFIXES[Math.floor(random() * PREFIXES.length)] ?? "";
  // Keys sort by id, and ids sort by time.
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
    logError("many objects without a row, none deleted: does SHARDS name the right databases?", {
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

const KNOWN = textOf(sql`SELECT ${media.id} FROM ${media} WHERE ${media.id} IN (SELECT value FROM json_each(?1))`);

import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { list, literal, textOf } from "../../schema/d1/sql.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import type { PersonId } from "../../schema/ids.ts";
import { logWarning } from "../../schema/log.ts";
import { exportDownloads } from "../../schema/tables/exports.ts";

/** The most downloads of one person at once. */
export const DOWNLOADS_MAX = 2;
/** A download that has not reported its end by then, in ms, no longer counts. */
const DOWNLOAD_LASTS = 15 * 60_000;

/** Begins a download, or throws `too_many_exports`. Returns what ends it. Costs one D1 batch, and one query at the end. */
export async function beginDownload(env: Env, person: PersonId, now = Date.now()): Promise<() => Promise<void>> {
  const download = crypto.randomUUID();
  const database = databaseOf(env, person);
  const [, begun] = await database.batch([
    statement(FORGET, person, now),
    statement(BEGIN, person, download, now + DOWNLOAD_LASTS),
  ]);
  if (!begun || begun.changes === 0) throw new Refusal("too_many_exports");
  return async () => {
    try {
      await database.patient.run(END, person, download);
    } catch (error) {
      logWarning("download not ended, it counts for a while", { error: String(error) });
    }
  };
}

const { person, download, until } = exportDownloads;
const FORGET = textOf(sql`DELETE FROM ${exportDownloads} WHERE ${person} = ?1 AND ${until} <= ?2`);
const BEGIN = textOf(sql`
  INSERT INTO ${exportDownloads} (${list(person, download, until)}) SELECT ?1, ?2, ?3
  WHERE (SELECT count(*) FROM ${exportDownloads} WHERE ${person} = ?1) < ${literal(DOWNLOADS_MAX)}`);
const END = textOf(sql`DELETE FROM ${exportDownloads} WHERE ${person} = ?1 AND ${download} = ?2`);

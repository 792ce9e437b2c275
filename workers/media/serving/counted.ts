/** Counts the renditions that are made on demand to the quota of their file's owner. */
import { sql } from "drizzle-orm";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { media } from "../../../schema/tables/posts.ts";
import { whileMoving } from "../../storage/while-moving.ts";
import { mediaState } from "../files/media-row.ts";

/**
 * Counts a rendition with a size in bytes, in place of what was counted for it before, so that repeating it changes nothing.
 * With 0 it no longer counts. Returns whether there still is a file to count it to. The quota refuses nothing here: it limits
 * what its owner uploads, not what others look at. While the file is on its way to another database, it waits. Costs one D1 query and two rows written, one if the size was counted.
 */
export async function countRendition(env: Env, id: MediaId, name: string, bytes: number): Promise<boolean> {
  return (await whileMoving(env, () => databaseOf(env, id).run(COUNT, id, `$."${name}"`, bytes))) > 0;
}

const COUNT = textOf(sql`
  UPDATE ${media} SET
    ${bare(media.onDemand)} = json_set(coalesce(${media.onDemand}, '{}'), ?2, ?3),
    ${bare(media.derivedBytes)} = ${media.derivedBytes} - coalesce(${media.onDemand} ->> ?2, 0) + ?3
  WHERE ${media.id} = ?1 AND ${media.state} = ${mediaState("ready")}`);

import { sql } from "drizzle-orm";
import { databaseOf } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import type { MediaId, PersonId } from "../../schema/ids.ts";
import { media } from "../../schema/tables/posts.ts";
import { deleteFile } from "../media/collect.ts";
import { PREFIXES } from "../media/files/objects.ts";
import type { MediaRow } from "../media/files/media-row.ts";
import { removeUpload } from "../media/uploads/upload.ts";

const FILES_PER_PAGE = 10;

/**
 * Deletes one page of the files of a closed account with everything made from them, and the uploads under way. Lists what
 * R2 has of each before its row goes, so that nothing can be left behind unseen. Returns whether there may be more. Costs
 * per file 5 list calls of R2, 2 deletions and 2 D1 queries, and for an upload one actor call.
 */
export async function eraseFiles(env: Env, person: PersonId): Promise<boolean> {
  const page = await databaseOf(env, person).patient.all<Pick<MediaRow, "id" | "state">>(OWN, person, FILES_PER_PAGE);
  for (const { id, state } of page) {
    if (state === "uploading" && (await removeUpload(env, id))) continue;
    const objects = await objectsOf(env, id);
    if (objects.length > 0) await env.MEDIA.delete(objects);
    await deleteFile(env, id);
  }
  return page.length > 0;
}

const OWN = textOf(sql`SELECT ${media.id}, ${media.state} FROM ${media} WHERE ${media.owner} = ?1 LIMIT ?2`);

/** Returns the keys of all objects of a file. */
async function objectsOf({ MEDIA }: Env, id: MediaId): Promise<string[]> {
  const lists = await Promise.all(PREFIXES.map((prefix) => MEDIA.list({ prefix: prefix + id })));
  return lists.flatMap(({ objects }) => objects.map(({ key }) => key));
}

import { and, eq, inArray } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { MediaId, PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import type { PostMedia } from "../../schema/facts.ts";
import { media } from "../../schema/tables/posts.ts";
import { ApiError } from "../api/errors.ts";
import { rejectionOf } from "./inspection/rejections.ts";

/**
 * The pictures `ids`, in their order, ready for a post of `owner`. One of somebody else is as unknown as one that never
 * was: the database is that of the owner, whatever shard the id names.
 */
export async function publishableMedia(env: Env, owner: PersonId, ids: MediaId[]): Promise<PostMedia[]> {
  const rows = await drizzle(databaseOf(env, owner))
    .select()
    .from(media)
    .where(and(inArray(media.id, ids), eq(media.owner, owner)));
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids
    .map((id) => {
      const row = found.get(id);
      if (!row) throw new ApiError("media_not_found", `There is no media file ${id} of yours`);
      return row;
    })
    .map(({ id, width, height, alt, rejection }) => {
      if (rejection !== null) throw new ApiError("media_not_ready", `${id}: ${rejectionOf(rejection).detail}`);
      if (width === null || height === null) throw new ApiError("media_not_ready", `${id} is still being processed`);
      return { id, width, height, alt };
    });
}

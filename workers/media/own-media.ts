import { and, eq } from "drizzle-orm";
import type { MediaId, PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { media } from "../../schema/tables/posts.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import type { MediaRow } from "./files/media-row.ts";

/** Returns a file of `owner` in any state but deleted, or throws `media_not_found`. Costs one query. */
export async function ownMedia(env: Env, owner: PersonId, id: MediaId): Promise<MediaRow> {
  const mine = and(eq(media.id, id), eq(media.owner, owner));
  const row = await databaseOf(env, id).orm.select().from(media).where(mine).get();
  if (!row || row.state === "deleted") throw new Refusal("media_not_found");
  return row;
}

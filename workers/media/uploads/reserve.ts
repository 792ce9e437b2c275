/**
 * Reserves space for an upload before its first byte is stored. The row is the reservation: triggers count its bytes in
 * `people.media_bytes` until the row is deleted. One statement checks and reserves, and D1 runs one statement at a
 * time, so concurrent uploads cannot exceed the quota.
 */
import { sql } from "drizzle-orm";
import { list, textOf } from "../../../schema/d1/sql.ts";
import { type MediaId, newId, type PersonId, shardOf } from "../../../schema/ids.ts";
import type { MediaType } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { UNFINISHED_UPLOADS_MAX } from "../../../schema/media/upload-limits.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { people } from "../../../schema/tables/people.ts";
import { media } from "../../../schema/tables/posts.ts";
import { type MediaRow, mediaState } from "../files/media-row.ts";

/** The type of an upload whose first bytes have not arrived yet. */
export const NOT_KNOWN_YET = "application/octet-stream";

/**
 * `used` counts the bytes of all originals, including those of unfinished uploads, and of everything made of them, also of what
 * is made for readers on demand. What is made is never refused, so it may exceed the limit.
 */
export type Quota = { used: number; limit: number; unfinished: number; unfinishedLimit: number };

type Reservation = { contentType: MediaType | typeof NOT_KNOWN_YET; bytes: number; lookAt: number };

/** Inserts and returns a new upload. Throws `quota_exceeded` or `too_many_uploads`. Costs one query, 4 rows written. */
export async function reserveUpload(env: Env, owner: PersonId, reservation: Reservation): Promise<MediaRow> {
  const { contentType, bytes, lookAt } = reservation;
  for (;;) {
    const id = newId<MediaId>(shardOf(owner));
    const inserted = await databaseOf(env, owner).first(
      RESERVE,
      owner,
      id,
      contentType,
      bytes,
      lookAt,
      limitOf(env),
      UNFINISHED_UPLOADS_MAX,
    );
    // The cast is safe, because types are only read from finished uploads.
    if (inserted) return { ...NEW, id, owner, contentType: contentType as MediaType, bytes, lookAt };
    // The id was taken, because two were drawn in one millisecond. The next one differs.
    refuse(await quotaOf(env, owner), bytes);
  }
}

/** Returns how much of the quota a person has used. Costs one query. */
export async function quotaOf(env: Env, owner: PersonId): Promise<Quota> {
  const found = await databaseOf(env, owner).first<Pick<Quota, "used" | "unfinished">>(QUOTA, owner);
  const { used, unfinished } = found ?? { used: 0, unfinished: 0 };
  return { used, limit: limitOf(env), unfinished, unfinishedLimit: UNFINISHED_UPLOADS_MAX };
}

const USED = sql`coalesce((SELECT ${people.mediaBytes} FROM ${people} WHERE ${people.id} = ?1), 0)`;
const UNFINISHED = sql`(
  SELECT count(*) FROM ${media} WHERE ${media.owner} = ?1 AND ${media.state} = ${mediaState("uploading")})`;

const QUOTA = textOf(sql`SELECT ${USED} AS "used", ${UNFINISHED} AS "unfinished"`);

const RESERVE = textOf(sql`
  INSERT INTO ${media} (${list(media.owner, media.id, media.state, media.contentType, media.bytes, media.lookAt)})
  SELECT ?1, ?2, ${mediaState("uploading")}, ?3, ?4, ?5 WHERE ${USED} + ?4 <= ?6 AND ${UNFINISHED} < ?7
  ON CONFLICT DO NOTHING RETURNING ${media.id}`);

const NEW = {
  state: "uploading",
  alt: "",
  width: null,
  height: null,
  rejection: null,
  details: null,
  claimedBy: null,
  claimedAt: null,
  posterBytes: 0,
  derivedBytes: 0,
  squareBytes: 0,
  onDemand: null,
} as const;

/** Returns the quota in bytes. Throws when the variable is not an integer. */
export function limitOf({ MEDIA_QUOTA_BYTES }: Env): number {
  const limit = Number(MEDIA_QUOTA_BYTES || Number.NaN);
  if (!Number.isSafeInteger(limit))
    throw new Error(`MEDIA_QUOTA_BYTES is not a number of bytes: "${MEDIA_QUOTA_BYTES}"`);
  return limit;
}

function refuse({ used, limit, unfinished }: Quota, bytes: number): void {
  if (used + bytes > limit)
    throw new Refusal("quota_exceeded", `${used} of ${limit} bytes are in use; delete some files first`);
  if (unfinished >= UNFINISHED_UPLOADS_MAX)
    throw new Refusal("too_many_uploads", `Finish or cancel one of your ${UNFINISHED_UPLOADS_MAX} open uploads first`);
}

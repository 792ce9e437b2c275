/**
 * Reserves space for an upload before its first byte is stored. The row is the reservation: triggers count its bytes in
 * `people.media_bytes` until the row is deleted. One statement checks and reserves, and D1 runs one statement at a
 * time, so concurrent uploads cannot exceed the quota.
 */
import { type MediaId, newId, type PersonId, shardOf } from "../../../schema/ids.ts";
import type { MediaType } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { UNFINISHED_UPLOADS_MAX } from "../../../schema/media/upload-limits.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import type { MediaRow } from "../files/media-row.ts";

/** The type of an upload whose first bytes have not arrived yet. */
export const NOT_KNOWN_YET = "application/octet-stream";

/** `used` counts the bytes of all originals, including those of unfinished uploads. */
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
  const found = await databaseOf(env, owner).first<Pick<Quota, "used" | "unfinished">>(
    `SELECT coalesce((${USED}), 0) AS used, (${UNFINISHED}) AS unfinished`,
    owner,
  );
  const { used, unfinished } = found ?? { used: 0, unfinished: 0 };
  return { used, limit: limitOf(env), unfinished, unfinishedLimit: UNFINISHED_UPLOADS_MAX };
}

const USED = "SELECT media_bytes FROM people WHERE id = ?1";
const UNFINISHED = "SELECT count(*) FROM media WHERE owner = ?1 AND state = 'uploading'";
const RESERVE = `INSERT INTO media (id, owner, state, content_type, bytes, look_at)
  SELECT ?2, ?1, 'uploading', ?3, ?4, ?5 WHERE coalesce((${USED}), 0) + ?4 <= ?6 AND (${UNFINISHED}) < ?7
  ON CONFLICT DO NOTHING RETURNING id`;

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

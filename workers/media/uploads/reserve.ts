/**
 * Makes room for an upload before its first byte is stored. The row is the reservation: triggers count its bytes in
 * `people.media_bytes`, until the row is deleted. One statement checks and reserves, and D1 runs one at a time, so no
 * number of uploads at once gets beyond the quota.
 */
import { type MediaId, newId, type PersonId, shardOf } from "../../../schema/ids.ts";
import type { MediaType } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { UNFINISHED_UPLOADS_MAX } from "../../../schema/media/upload-limits.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import type { MediaRow } from "../media-row.ts";

/** Until its first bytes have come, nobody knows what a file is. */
export const NOT_KNOWN_YET = "application/octet-stream";

/** `used`: the bytes of all originals, of those under way too. */
export type Quota = { used: number; limit: number; unfinished: number; unfinishedLimit: number };

type Reservation = { contentType: MediaType | typeof NOT_KNOWN_YET; bytes: number; lookAt: number };

/** The row of a new upload. Refuses with `quota_exceeded` or `too_many_uploads`. One query; 4 rows written. */
export async function reserve(env: Env, owner: PersonId, reservation: Reservation): Promise<MediaRow> {
  const { contentType, bytes, lookAt } = reservation;
  for (;;) {
    const id = newId<MediaId>(shardOf(owner));
    const inserted = await databaseOf(env, owner)
      .prepare(RESERVE)
      .bind(owner, id, contentType, bytes, lookAt, limitOf(env), UNFINISHED_UPLOADS_MAX)
      .first();
    // Who reads a type reads it of what is finished.
    if (inserted) return { ...NEW, id, owner, contentType: contentType as MediaType, bytes, lookAt };
    // Two ids in one millisecond: the next one is another.
    refuse(await quotaOf(env, owner), bytes);
  }
}

/** What a person has used. One query. */
export async function quotaOf(env: Env, owner: PersonId): Promise<Quota> {
  const found = await databaseOf(env, owner)
    .prepare(`SELECT coalesce((${USED}), 0) AS used, (${UNFINISHED}) AS unfinished`)
    .bind(owner)
    .first<Pick<Quota, "used" | "unfinished">>();
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

/** In bytes. Throws when the operator has written something else. */
export function limitOf({ MEDIA_QUOTA_BYTES }: Env): number {
  const limit = Number(MEDIA_QUOTA_BYTES || Number.NaN);
  if (!Number.isSafeInteger(limit)) throw new Error(`MEDIA_QUOTA_BYTES is no number of bytes: "${MEDIA_QUOTA_BYTES}"`);
  return limit;
}

function refuse({ used, limit, unfinished }: Quota, bytes: number): void {
  if (used + bytes > limit) throw new ApiError("quota_exceeded", `${used} of ${limit} bytes are used`);
  if (unfinished >= UNFINISHED_UPLOADS_MAX) throw new ApiError("too_many_uploads", `At most ${UNFINISHED_UPLOADS_MAX}`);
}

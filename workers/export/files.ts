/** A part of an export with originals, as they were uploaded, and the posters of videos. */
import { sql } from "drizzle-orm";
import { databaseOf } from "../../schema/d1/shards.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import { fingerprintOf } from "../../schema/fingerprint.ts";
import { type MediaId, type PersonId, timeOf } from "../../schema/ids.ts";
import type { MediaType } from "../../schema/media/media-types.ts";
import { media } from "../../schema/tables/posts.ts";
import { originalKey, posterKey, readObject } from "../media/files/objects.ts";
import { FILES_PER_PART, HAS_ORIGINAL } from "./plan.ts";
import { zipped, zipSize } from "./zip.ts";

type Row = { id: MediaId; contentType: MediaType; hasPoster: 0 | 1 };
type File = { key: string; name: string; size: number; at: number };

/** `bytes`: the size of the ZIP. `etag` changes with the files in it; the bytes of a file never change. */
export type FilesPart = { bytes: number; etag: string; chunks: () => AsyncGenerator<Uint8Array> };

const EXTENSIONS: Record<MediaType, string> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/avif": "avif",
  "image/heic": "heic",
  "video/mp4": "mp4",
  "video/quicktime": "mov",
  "video/webm": "webm",
  "video/matroska": "mkv",
};

/** Returns the name of an original in an export. */
export const fileName = (id: MediaId, type: MediaType): string => `files/${id}.${EXTENSIONS[type]}`;

/**
 * Returns the part of the person's files above `after` and up to `upTo`. Costs one D1 query, and two calls of R2 a file,
 * one of them when its turn comes.
 */
export async function filesPart(env: Env, person: PersonId, after: string, upTo: string): Promise<FilesPart> {
  const rows = await databaseOf(env, person).patient.all<Row>(FILES, person, after, upTo);
  const wanted = rows.flatMap(({ id, contentType, hasPoster }) => [
    { key: originalKey(id), name: fileName(id, contentType), at: timeOf(id) },
    ...(hasPoster ? [{ key: posterKey(id), name: `files/${id}-poster`, at: timeOf(id) }] : []),
  ]);
  const found = await Promise.all(
    wanted.map(async (file): Promise<File[]> => {
      const object = await env.MEDIA.head(file.key);
      return object ? [{ ...file, size: object.size }] : [];
    }),
  );
  const files = found.flat();
  const entries = () => files.map(({ key, name, at }) => ({ name, at, body: chunksOf(env, key) }));
  return {
    bytes: zipSize(files),
    etag: `"${fingerprintOf(files.map(({ name, size }) => `${name} ${size}`))}"`,
    chunks: () => zipped(entries()),
  };
}

async function* chunksOf(env: Env, key: string): AsyncGenerator<Uint8Array> {
  yield* await readObject(env, key);
}

const FILES = textOf(sql`
  SELECT ${media.id}, ${media.contentType} AS "contentType", ${media.posterBytes} > 0 AS "hasPoster" FROM ${media}
  WHERE ${media.owner} = ?1 AND ${media.id} > ?2 AND ${media.id} <= ?3 AND ${HAS_ORIGINAL}
  ORDER BY ${media.id} LIMIT ${literal(FILES_PER_PART)}`);

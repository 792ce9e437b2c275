import { type Rendition, Variant } from "../../../schema/api/media.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { SQUARES } from "../../../schema/media/squares.ts";

/** The formats of renditions. Inspection makes WebP; the others are made on demand. */
export const FORMATS = ["webp", "avif", "jpeg"] as const;
export type Format = (typeof FORMATS)[number];

/** The first segment of every key; the second is an id. */
export const PREFIXES = ["originals/", "renditions/", "posters/", "videos/"] as const;

/** The R2 key of a file as it was uploaded. Keys derive from the id alone, never from a file name or its content. */
export const originalKey = (id: MediaId): string => `originals/${id}`;
/** The key of a rendition. */
export const renditionKey = (id: MediaId, variant: Rendition, format: Format = "webp"): string =>
  `renditions/${id}/${renditionName(variant, format)}`;
/** The name of a rendition within its file. Those of WebP have no extension. */
export const renditionName = (variant: Rendition, format: Format): string =>
  `${variant}${format === "webp" ? "" : `.${format}`}`;
/** The key of a video's poster, as it was uploaded. */
export const posterKey = (id: MediaId): string => `posters/${id}`;
/** The key of the copy of a video that is served. */
export const videoKey = (id: MediaId): string => `videos/${id}`;

/** The key of the copy of a moving picture that is served, beside the renditions. */
export const movingKey = (id: MediaId): string => `renditions/${id}/moving`;

/** Returns the id in a key that one of the functions above made. */
export const mediaIdOf = (key: string): MediaId => key.split("/", 2)[1] as MediaId;

/** The keys of all renditions that a file may have. */
export const renditionKeys = (id: MediaId): string[] =>
  [...Variant.options, ...SQUARES].flatMap((variant) => FORMATS.map((format) => renditionKey(id, variant, format)));

/**
 * Deletes the original and everything derived from it, as far as it exists. Derived objects go last, because a task
 * that is storing another rendition checks afterwards whether its source still exists (serving/on-demand.ts).
 */
export async function deleteObjects(env: Env, id: MediaId): Promise<void> {
  await env.MEDIA.delete([originalKey(id), posterKey(id)]);
  await env.MEDIA.delete([videoKey(id), movingKey(id), ...renditionKeys(id)]);
}

/** Streams the bytes at `key`. A row promises them, so a missing object is a failure of ours, not a rejection. */
export async function readObject(env: Env, key: string): Promise<ReadableStream> {
  const object = await env.MEDIA.get(key);
  if (!object) throw new Error(`${key} is missing`);
  return object.body;
}

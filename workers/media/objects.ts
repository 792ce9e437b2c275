import { Variant } from "../../schema/api/media.ts";
import type { MediaId } from "../../schema/ids.ts";

/** What a rendition may be encoded in. WebP is made at inspection, the others when somebody asks for them. */
export const FORMATS = ["webp", "avif", "jpeg"] as const;
export type Format = (typeof FORMATS)[number];

/** The first part of every key; the second is an id. */
export const PREFIXES = ["originals/", "renditions/", "posters/", "videos/"] as const;

/** Where the bytes lie in R2. A key is made of an id alone: neither a name nor a content ever chooses one. */
export const originalKey = (id: MediaId): string => `originals/${id}`;
export const renditionKey = (id: MediaId, variant: Variant, format: Format = "webp"): string =>
  `renditions/${id}/${variant}${format === "webp" ? "" : `.${format}`}`;
/** The picture that stands for a video, as it was sent. */
export const posterKey = (id: MediaId): string => `posters/${id}`;
/** A video as it is served. */
export const videoKey = (id: MediaId): string => `videos/${id}`;

/** The file of which `key`, made by one of these, is a part. */
export const mediaAt = (key: string): MediaId => key.split("/", 2)[1] as MediaId;

/** Of every rendition that there may be of a file. */
export const renditionKeys = (id: MediaId): string[] =>
  Variant.options.flatMap((variant) => FORMATS.map((format) => renditionKey(id, variant, format)));

/**
 * Deletes the original and all that is served of it, as far as there is any. What is served goes last: whoever is making
 * more of it looks afterwards whether there still is what it was made of (serving/making.ts).
 */
export async function deleteObjects(env: Env, id: MediaId): Promise<void> {
  await env.MEDIA.delete([originalKey(id), posterKey(id)]);
  await env.MEDIA.delete([videoKey(id), ...renditionKeys(id)]);
}

/** The bytes at `key`. A row says that there are some, so that they are missing is a failure of ours, not the file's. */
export async function bytesAt(env: Env, key: string): Promise<ReadableStream> {
  const object = await env.MEDIA.get(key);
  if (!object) throw new Error(`${key} is missing`);
  return object.body;
}

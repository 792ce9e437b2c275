/** Files as inspection and publishing leave them, for tests of serving. */
import { env } from "cloudflare:workers";
import { Variant } from "../../../schema/api/media.ts";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import type { MediaType } from "../../../schema/media/media-types.ts";
import { d1Of } from "../stores/d1.ts";
import { originalKey, renditionKey, videoKey } from "../../../workers/media/files/objects.ts";
import { readyMedia } from "../world/posts.ts";

/** Makes the row of a file that is ready, without bytes. */
export async function readyFile(
  owner: PersonId,
  { type = "image/jpeg", isPublished = true }: { type?: MediaType; isPublished?: boolean } = {},
): Promise<MediaId> {
  const id = await readyMedia(owner);
  await d1Of(env, id).prepare("UPDATE media SET content_type = ? WHERE id = ?").bind(type, id).run();
  if (isPublished) await claim(id);
  return id;
}

/** Claims a file as publishing does, for a post that does not exist. */
export const claim = (id: MediaId) =>
  d1Of(env, id).prepare("UPDATE media SET claimed_by = id, claimed_at = 1, look_at = NULL WHERE id = ?").bind(id).run();

/** Makes a ready picture with its original, from which renditions can be made. */
export async function readyPicture(owner: PersonId, original: ArrayBuffer, isPublished = true): Promise<MediaId> {
  const id = await readyFile(owner, { isPublished });
  await env.MEDIA.put(originalKey(id), original);
  return id;
}

/**
 * Makes a ready video with renditions. The bytes are neither a real video nor pictures, which serving does not notice.
 */
export async function readyVideo(
  owner: PersonId,
  { bytes = BYTES, contentType = "video/mp4", isPublished = true } = {},
) {
  const id = await readyFile(owner, { type: "video/quicktime", isPublished });
  await env.MEDIA.put(videoKey(id), bytes, { httpMetadata: { contentType } });
  await Promise.all(
    Variant.options.map((variant) => env.MEDIA.put(renditionKey(id, variant), `a ${variant} of ${id}`)),
  );
  return id;
}

const BYTES = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);

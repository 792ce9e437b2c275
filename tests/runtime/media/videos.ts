/** Uploaded videos for tests. */
import { env } from "cloudflare:workers";
import { type EffectId, type MediaId, newId, type PersonId, shardOf } from "../../../schema/ids.ts";
import type { VideoType } from "../../../schema/media/media-types.ts";
import { d1Of } from "../stores/d1.ts";
import { inspectMedia } from "../../../workers/media/inspection/inspect.ts";
import { originalKey } from "../../../workers/media/files/objects.ts";

/** Makes a video of `owner` that is uploaded but not yet inspected. */
export async function uploadedVideo(
  owner: PersonId,
  file: Uint8Array,
  type: VideoType = "video/mp4",
): Promise<MediaId> {
  const id = newId<MediaId>(shardOf(owner));
  await env.MEDIA.put(originalKey(id), file);
  await d1Of(env, owner)
    .prepare("INSERT INTO media (id, owner, state, content_type, bytes) VALUES (?, ?, 'uploaded', ?, ?)")
    .bind(id, owner, type, file.length)
    .run();
  return id;
}

/** Runs the inspection of an uploaded video. */
export const inspectUploaded = (media: MediaId, bindings: Env = env): Promise<void> =>
  inspectMedia(bindings, { kind: "inspect", id: newId<EffectId>(shardOf(media)), media, video: true });

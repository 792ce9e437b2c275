/** Inspects a stored video: describes it, and stores a copy without the private parts of the original. */
import type { MediaId } from "../../../schema/ids.ts";
import { isVideo, type VideoType } from "../../../schema/media/media-types.ts";
import { storedBytes } from "../bytes/byte-source.ts";
import type { Findings, Original } from "../files/findings.ts";
import { originalKey, videoKey } from "../files/objects.ts";
import { describeVideo } from "./describe.ts";
import { storeVideo } from "./multipart.ts";
import { rewrite } from "./rewrite.ts";
import { servedType } from "./served-type.ts";

/** Describes a video and stores the copy that is served. Throws `Rejected` when the file is at fault. */
export async function inspectVideo(env: Env, { id, contentType, bytes }: Original): Promise<Findings> {
  if (!isVideo(contentType)) throw new Error(`${id} is not a video but ${contentType}`);
  const original = storedBytes(env, originalKey(id), bytes);
  const { width, height, video, removed } = await describeVideo(original, contentType);
  if (!(await env.MEDIA.head(videoKey(id)))) {
    await storeVideo(env, id, servedType(contentType), (sink) => rewrite(original, contentType, sink));
  }
  const copy = await env.MEDIA.head(videoKey(id));
  if (!copy) throw new Error(`the video ${id} is missing`);
  const durationMs = video.durationMs ?? (await servedDuration(env, id, contentType, copy.size));
  return { width, height, details: { video: { ...video, durationMs }, removed }, derivedBytes: copy.size };
}

/** Returns the duration that the copy states, for an original that does not state one. In ms. */
async function servedDuration(env: Env, id: MediaId, type: VideoType, bytes: number): Promise<number> {
  const { video } = await describeVideo(storedBytes(env, videoKey(id), bytes), servedType(type));
  return video.durationMs ?? 0;
}

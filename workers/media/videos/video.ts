/** From a stored video to one that can be played: what it is, and a copy without what nobody else may see. */
import type { MediaId } from "../../../schema/ids.ts";
import { isVideo, type VideoType } from "../../../schema/media/media-types.ts";
import { storedBytes } from "../inspection/byte-source.ts";
import type { Findings, Original } from "../inspection/findings.ts";
import { originalKey, videoKey } from "../objects.ts";
import { describeVideo } from "./describe.ts";
import { storeVideo } from "./parts.ts";
import { rewrite } from "./rewrite.ts";
import { servedType } from "./served-type.ts";

/** Looks at a video and stores what is served of it. Throws `Rejected` when it is at fault. */
export async function inspectVideo(env: Env, { id, contentType, bytes }: Original): Promise<Findings> {
  if (!isVideo(contentType)) throw new Error(`${id} is no video but ${contentType}`);
  const original = storedBytes(env, originalKey(id), bytes);
  const { width, height, video, removed } = await describeVideo(original, contentType);
  if (!(await env.MEDIA.head(videoKey(id)))) {
    await storeVideo(env, id, servedType(contentType), (sink) => rewrite(original, contentType, sink));
  }
  const durationMs = video.durationMs ?? (await servedDuration(env, id, contentType));
  return { width, height, details: { video: { ...video, durationMs }, removed } };
}

/** Of a file that does not state how long it is, its copy does. */
async function servedDuration(env: Env, id: MediaId, type: VideoType): Promise<number> {
  const copy = await env.MEDIA.head(videoKey(id));
  if (!copy) throw new Error(`the video ${id} is missing`);
  const { video } = await describeVideo(storedBytes(env, videoKey(id), copy.size), servedType(type));
  return video.durationMs ?? 0;
}

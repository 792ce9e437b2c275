import type { Media } from "../../schema/api/media.ts";
import { api, consistency } from "../api/api.ts";
import { ApiProblem, problemIn } from "../api/problem.ts";

const FIRST_POLL_MS = 300;
const SLOWEST_POLL_MS = 2000;

/** Uploads a small file whole. Uses XMLHttpRequest, because fetch does not report upload progress. */
export function upload(file: File, progress: (part: number) => void, signal: AbortSignal): Promise<Media> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/media");
    request.responseType = "json"; // null if the body is no JSON.
    for (const [name, value] of Object.entries(consistency.headers())) request.setRequestHeader(name, value);
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(total > 0 ? loaded / total : 0));
    request.addEventListener("load", () => {
      consistency.learn(request.getResponseHeader(consistency.header));
      const media = request.response as Media | null;
      if (request.status === 201 && media) resolve(media);
      else reject(problemIn(request.response));
    });
    request.addEventListener("error", () => reject(ApiProblem.local(navigator.onLine ? "unreachable" : "offline")));
    request.addEventListener("abort", () => reject(ApiProblem.local("cancelled")));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

/** Polls an upload, at growing intervals, until its inspection has settled. */
export async function awaitInspection(media: Media, signal: AbortSignal): Promise<Media> {
  let wait = FIRST_POLL_MS;
  while (media.state === "uploading" || media.state === "uploaded") {
    const pause = wait;
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (signal.aborted) throw ApiProblem.local("cancelled");
    media = await api.media(media.id);
    wait = Math.min(wait * 1.5, SLOWEST_POLL_MS);
  }
  return media;
}

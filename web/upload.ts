import type { Media } from "../schema/api/media.ts";
import { api, consistency } from "./api.ts";
import { ApiProblem, asRefusal } from "./problem.ts";

const FIRST_LOOK_MS = 300;
const SLOWEST_LOOK_MS = 2000;

/** Sends a small file whole. It is an XMLHttpRequest because fetch does not tell how much of a body has been sent. */
export function upload(file: File, progress: (part: number) => void, signal: AbortSignal): Promise<Media> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/media");
    request.responseType = "json"; // null where it is none.
    for (const [name, value] of Object.entries(consistency.headers())) request.setRequestHeader(name, value);
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(total > 0 ? loaded / total : 0));
    request.addEventListener("load", () => {
      consistency.learn(request.getResponseHeader(consistency.header));
      const media = request.response as Media | null;
      if (request.status === 201 && media) resolve(media);
      else reject(asRefusal(request.response));
    });
    request.addEventListener("error", () => reject(ApiProblem.local(navigator.onLine ? "unreachable" : "offline")));
    request.addEventListener("abort", () => reject(ApiProblem.local("cancelled")));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

/** Looks at an upload, less and less often, until the inspection has decided. */
export async function inspected(media: Media, signal: AbortSignal): Promise<Media> {
  let wait = FIRST_LOOK_MS;
  while (media.state === "uploading" || media.state === "uploaded") {
    const pause = wait;
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (signal.aborted) throw ApiProblem.local("cancelled");
    media = await api.media(media.id);
    wait = Math.min(wait * 1.5, SLOWEST_LOOK_MS);
  }
  return media;
}

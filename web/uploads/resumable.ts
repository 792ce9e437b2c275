/** An upload in parts (tus 1.0). After a lost connection it resumes from the offset that the API reports. */
import type { DetailedError, Upload } from "tus-js-client";
import { consistency } from "../api/api.ts";
import { ApiProblem, problemIn } from "../api/problem.ts";

const ENDPOINT = "/v1/uploads";
/** The size of one request, in bytes: two R2 parts, and far below Cloudflare's limit for a request body. */
const CHUNK_BYTES = 10 * 1024 * 1024;
/** The pauses before each retry, in ms. They start over with every chunk that arrives. */
const RETRY_DELAYS = [0, 1000, 3000, 10_000, 20_000];
/** Statuses worth a retry: another request still holds the upload, or there were too many at once. */
const TRANSIENT = new Set([409, 423, 429]);
const GONE = new Set([404, 410]);
/** Statuses that reject the file itself: the API has deleted what it had of it. */
const REJECTED = new Set([413, 415]);

/** Called with the share that has been sent, from 0 to 1, and whether the upload waits for a connection. */
export type OnProgress = (part: number, isWaiting: boolean) => void;

export type Resumable = {
  /** Sends what the API does not have yet; call it again after a failure. Resolves with the id of the media. */
  send: () => Promise<string>;
  /** Cancels the upload and deletes what has arrived. */
  drop: () => void;
};

export function resumable(file: File, onProgress: OnProgress): Resumable {
  let upload: Upload | undefined;
  let isDropped = false;
  let part = 0;
  return {
    async send() {
      const { Upload } = await library();
      if (isDropped) throw ApiProblem.local("cancelled");
      upload ??= new Upload(file, {
        endpoint: ENDPOINT,
        chunkSize: CHUNK_BYTES,
        retryDelays: RETRY_DELAYS,
        // Nothing could resume it later: drafts are lost with their page.
        storeFingerprintForResuming: false,
        onBeforeRequest: (request) => {
          for (const [name, value] of Object.entries(consistency.headers())) request.setHeader(name, value);
        },
        onAfterResponse: (_request, response) => consistency.learn(response.getHeader(consistency.header) ?? null),
      });
      return run(upload, (now = part, isWaiting) => onProgress((part = now), isWaiting));
    },
    drop() {
      isDropped = true;
      upload?.abort(true).catch(() => undefined); // The API collects whatever remains.
    },
  };
}

/** As OnProgress; `part` is undefined when it has not changed. */
type Report = (part: number | undefined, isWaiting: boolean) => void;

function run(upload: Upload, report: Report): Promise<string> {
  const ended = new AbortController();
  const { options } = upload;
  const resume = () => {
    void upload.abort();
    upload.start();
  };
  const result = new Promise<string>((resolve, reject) => {
    // Otherwise the library would start a new upload whenever it fails to look up this one.
    options.onUploadUrlAvailable = () => (options.endpoint = null);
    options.onProgress = (bytes, total) => report(total > 0 ? bytes / total : 0, false);
    options.onShouldRetry = ({ originalResponse }) => {
      const status = originalResponse?.getStatus() ?? 0;
      if (status >= 400 && status < 500 && !TRANSIENT.has(status)) return false;
      report(undefined, true);
      return navigator.onLine;
    };
    options.onError = (error) => {
      const response = "originalResponse" in error ? error.originalResponse : null;
      if (!response && !navigator.onLine) return report(undefined, true); // Resumes when back online.
      const status = response?.getStatus() ?? 0;
      const isGone = upload.url !== null && GONE.has(status);
      if (isGone || REJECTED.has(status)) startOver(upload);
      reject(isGone ? ApiProblem.local("expired") : problemOf(error));
    };
    options.onSuccess = () => resolve(upload.url?.split("/").at(-1) ?? "");
    addEventListener("online", resume, { signal: ended.signal });
    upload.start();
  });
  return result.finally(() => ended.abort());
}

/** Forgets the upload, which the API no longer has: the next attempt starts over. */
function startOver(upload: Upload): void {
  upload.url = null;
  upload.options.endpoint = ENDPOINT;
}

function problemOf(error: Error | DetailedError): ApiProblem {
  const response = "originalResponse" in error ? error.originalResponse : null;
  if (!response) return ApiProblem.local(navigator.onLine ? "unreachable" : "offline");
  try {
    return problemIn(JSON.parse(response.getBody()));
  } catch {
    return ApiProblem.local("unreadable");
  }
}

/** Loaded when the first large file is picked. */
async function library() {
  try {
    return await import("tus-js-client");
  } catch {
    throw ApiProblem.local(navigator.onLine ? "unreachable" : "offline");
  }
}

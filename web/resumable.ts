/** An upload in parts (tus 1.0). When the connection was lost it goes on where the API says it is. */
import type { DetailedError, Upload } from "tus-js-client";
import { consistency } from "./api.ts";
import { ApiProblem, asRefusal } from "./problem.ts";

const ENDPOINT = "/v1/uploads";
/** Of one request, in bytes: two parts as R2 takes them, and far below what Cloudflare lets through. */
const CHUNK_BYTES = 10 * 1024 * 1024;
/** How long it is waited before each new try, in ms; every chunk that arrives begins the row anew. */
const TRIES_AGAIN_AFTER = [0, 1000, 3000, 10_000, 20_000];
/** Refusals that pass by themselves: another request still has the upload, or too many came at once. */
const PASSING = new Set([409, 423, 429]);
const GONE = new Set([404, 410]);
/** The file is of no use, so the API has thrown away what it had of it. */
const USELESS = new Set([413, 415]);

/** How much has been sent, from 0 to 1, and whether it waits for the connection. */
export type Show = (part: number, isWaiting: boolean) => void;

export type Resumable = {
  /** Sends what the API does not have yet. Resolves with the id of the media. To be called again after it has failed. */
  send: () => Promise<string>;
  /** Ends it, and takes back what has arrived. */
  drop: () => void;
};

export function resumable(file: File, show: Show): Resumable {
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
        retryDelays: TRIES_AGAIN_AFTER,
        // The page that would ask for it is gone with its drafts.
        storeFingerprintForResuming: false,
        onBeforeRequest: (request) => {
          for (const [name, value] of Object.entries(consistency.headers())) request.setHeader(name, value);
        },
        onAfterResponse: (_request, response) => consistency.learn(response.getHeader(consistency.header) ?? null),
      });
      return sent(upload, (now = part, isWaiting) => show((part = now), isWaiting));
    },
    drop() {
      isDropped = true;
      upload?.abort(true).catch(() => undefined); // What stays the API throws away by itself.
    },
  };
}

type ShowSent = (part: number | undefined, isWaiting: boolean) => void;

function sent(upload: Upload, show: ShowSent): Promise<string> {
  const ended = new AbortController();
  const { options } = upload;
  const goOn = () => {
    void upload.abort();
    upload.start();
  };
  const result = new Promise<string>((resolve, reject) => {
    // Without a known upload the library would begin a new one wherever asking for the old one has failed.
    options.onUploadUrlAvailable = () => (options.endpoint = null);
    options.onProgress = (bytes, total) => show(total > 0 ? bytes / total : 0, false);
    options.onShouldRetry = ({ originalResponse }) => {
      const status = originalResponse?.getStatus() ?? 0;
      if (status >= 400 && status < 500 && !PASSING.has(status)) return false;
      show(undefined, true);
      return navigator.onLine;
    };
    options.onError = (error) => {
      const response = "originalResponse" in error ? error.originalResponse : null;
      if (!response && !navigator.onLine) return show(undefined, true); // Goes on by itself.
      const status = response?.getStatus() ?? 0;
      const isGone = upload.url !== null && GONE.has(status);
      if (isGone || USELESS.has(status)) startAnew(upload);
      reject(isGone ? ApiProblem.local("expired") : problemOf(error));
    };
    options.onSuccess = () => resolve(upload.url?.split("/").at(-1) ?? "");
    addEventListener("online", goOn, { signal: ended.signal });
    upload.start();
  });
  return result.finally(() => ended.abort());
}

/** There is nothing to go on with, or to take back: the next try begins again. */
function startAnew(upload: Upload): void {
  upload.url = null;
  upload.options.endpoint = ENDPOINT;
}

function problemOf(error: Error | DetailedError): ApiProblem {
  const response = "originalResponse" in error ? error.originalResponse : null;
  if (!response) return ApiProblem.local(navigator.onLine ? "unreachable" : "offline");
  try {
    return asRefusal(JSON.parse(response.getBody()));
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

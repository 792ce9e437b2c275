/** The calls that make an upload's object in R2. Each may be repeated, after a crash or when its result was lost. */
import type { Upload } from "./upload-record.ts";

// https://developers.cloudflare.com/r2/api/error-codes/
const NO_SUCH_UPLOAD = "10024";
/** A part that is missing or has another etag, a part that is too small, and parts of different sizes. */
const FAULTS_OF_PARTS = new Set(["10025", "10011", "10048"]);

// R2 gives its error code only at the end of the message.
const codeOf = (error: unknown): string => /\((\d{5})\)$/.exec(String(error))?.[1] ?? "";
const isGone = (error: unknown): boolean => codeOf(error) === NO_SUCH_UPLOAD;

/** Whether the parts themselves cannot be completed to an object, as opposed to a failure of R2. */
export const isFaultOfParts = (error: unknown): boolean => FAULTS_OF_PARTS.has(codeOf(error));

/** Thrown when R2 no longer has the parts of an upload, which cannot go on then. */
export class UploadLost extends Error {}

/** Begins a multipart upload and returns R2's id of it. */
export async function beginMultipart(bucket: R2Bucket, key: string, contentType?: string): Promise<string> {
  const options = contentType === undefined ? {} : { httpMetadata: { contentType } };
  return (await bucket.createMultipartUpload(key, options)).uploadId;
}

/** Stores part `number`, counted from 1, and returns its etag. Replaces a part that was stored before. */
export async function storePart(
  bucket: R2Bucket,
  key: string,
  multipart: string,
  number: number,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  try {
    return (await bucket.resumeMultipartUpload(key, multipart).uploadPart(number, bytes)).etag;
  } catch (error) {
    throw isGone(error) ? new UploadLost("its parts are gone", { cause: error }) : error;
  }
}

/** Combines the parts into one object. An object that exists is from an earlier attempt: keys are never used twice. */
export async function completeParts(bucket: R2Bucket, key: string, multipart: string, etags: string[]): Promise<void> {
  const parts = etags.map((etag, index) => ({ partNumber: index + 1, etag }));
  try {
    await bucket.resumeMultipartUpload(key, multipart).complete(parts);
  } catch (error) {
    if (!isGone(error)) throw error;
    if (!(await bucket.head(key))) throw new UploadLost("its parts are gone", { cause: error });
  }
}

/** Stores a file of at most one part. */
export async function storeWhole(
  bucket: R2Bucket,
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<void> {
  // Returns null when the object exists already, from an earlier attempt.
  await bucket.put(key, bytes, {
    httpMetadata: { contentType },
    onlyIf: { etagDoesNotMatch: "*" },
  });
}

/** Removes the parts and the object of an upload that will not be finished. */
export async function removeObject(bucket: R2Bucket, { key, multipart }: Upload): Promise<void> {
  try {
    if (multipart !== undefined) await bucket.resumeMultipartUpload(key, multipart).abort();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  await bucket.delete(key);
}

/** The object of an upload in R2. Each step may be repeated, after a crash or when its answer was lost. */
import type { Upload } from "./upload-record.ts";

// https://developers.cloudflare.com/r2/api/error-codes/
const NO_SUCH_UPLOAD = "10024";
/** A part that is not there or is another, one that is too small, and parts of several sizes. */
const FAULTS_OF_PARTS = new Set(["10025", "10011", "10048"]);

// R2 tells its code at the end of its message alone.
const codeOf = (error: unknown): string => /\((\d{5})\)$/.exec(String(error))?.[1] ?? "";
const isGone = (error: unknown): boolean => codeOf(error) === NO_SUCH_UPLOAD;

/** Whether parts cannot be made an object because of what they are, and not of R2. */
export const isFaultOfParts = (error: unknown): boolean => FAULTS_OF_PARTS.has(codeOf(error));

/** An upload whose parts R2 has thrown away. It cannot go on. */
export class UploadLost extends Error {}

export async function beginMultipart(bucket: R2Bucket, key: string, contentType?: string): Promise<string> {
  const options = contentType === undefined ? {} : { httpMetadata: { contentType } };
  return (await bucket.createMultipartUpload(key, options)).uploadId;
}

/** The etag of the part `number` (from 1 on). A part that was stored before is replaced. */
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

/** Makes one object of the parts. An object that is there has been made by an earlier attempt: keys are never used twice. */
export async function completeParts(bucket: R2Bucket, key: string, multipart: string, etags: string[]): Promise<void> {
  const parts = etags.map((etag, index) => ({ partNumber: index + 1, etag }));
  try {
    await bucket.resumeMultipartUpload(key, multipart).complete(parts);
  } catch (error) {
    if (!isGone(error)) throw error;
    if (!(await bucket.head(key))) throw new UploadLost("its parts are gone", { cause: error });
  }
}

/** For a file that is smaller than a part. */
export async function storeWhole(
  bucket: R2Bucket,
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<void> {
  // Answers null when there is an object: made by an earlier attempt.
  await bucket.put(key, bytes, {
    httpMetadata: { contentType },
    onlyIf: { etagDoesNotMatch: "*" },
  });
}

/** Removes what there is, of an upload that will not be finished. */
export async function removeObject(bucket: R2Bucket, { key, multipart }: Upload): Promise<void> {
  try {
    if (multipart !== undefined) await bucket.resumeMultipartUpload(key, multipart).abort();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  await bucket.delete(key);
}

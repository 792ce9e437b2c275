/** Presigned URLs with which a client puts the parts of one upload into R2 directly, bypassing the Worker. */
import { AwsV4Signer } from "aws4fetch";
import { DIRECT_PART_BYTES } from "../../../schema/media/upload-limits.ts";

/** How long a URL is valid. In seconds. */
export const ADDRESSES_LAST = 3600;

/** The S3 endpoint of R2 and the credentials for it. */
export type S3 = { endpoint: string; bucket: string; accessKeyId: string; secretAccessKey: string };

type Secrets = { R2_ACCESS_KEY_ID?: string; R2_SECRET_ACCESS_KEY?: string };

/** Returns the S3 configuration, or undefined where direct uploads are not set up. */
export function s3Of(env: Env): S3 | undefined {
  const { R2_ACCESS_KEY_ID: accessKeyId, R2_SECRET_ACCESS_KEY: secretAccessKey } = env as Secrets;
  const { R2_S3_ENDPOINT: endpoint, R2_BUCKET_NAME: bucket } = env;
  return endpoint && bucket && accessKeyId && secretAccessKey
    ? { endpoint, bucket, accessKeyId, secretAccessKey }
    : undefined;
}

export type Part = { number: number; bytes: number; url: string };

/** Returns the URLs of all parts, from 1 on. They sign the length too, so no client stores more than it reserved. */
export function addressesOfParts(s3: S3, key: string, multipart: string, bytes: number): Promise<Part[]> {
  const parts = Array.from({ length: Math.ceil(bytes / DIRECT_PART_BYTES) }, (_, index) => ({
    number: index + 1,
    bytes: Math.min(DIRECT_PART_BYTES, bytes - index * DIRECT_PART_BYTES),
  }));
  return Promise.all(parts.map(async (part) => ({ ...part, url: await addressOf(s3, key, multipart, part) })));
}

async function addressOf(s3: S3, key: string, multipart: string, part: Omit<Part, "url">): Promise<string> {
  const url = new URL(`${s3.endpoint}/${s3.bucket}/${key}`);
  url.searchParams.set("partNumber", String(part.number));
  url.searchParams.set("uploadId", multipart);
  url.searchParams.set("X-Amz-Expires", String(ADDRESSES_LAST));
  const { accessKeyId, secretAccessKey } = s3;
  const signer = new AwsV4Signer({
    method: "PUT",
    url: url.href,
    headers: { "content-length": String(part.bytes) },
    allHeaders: true, // Otherwise the length would not be signed.
    signQuery: true,
    service: "s3",
    region: "auto",
    accessKeyId,
    secretAccessKey,
  });
  return (await signer.sign()).url.href;
}

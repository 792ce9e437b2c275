/** A chunk with a checksum. It is held in memory until its checksum has been verified. */
import { concatBytes } from "../../schema/bytes.ts";
import { CHECKED_CHUNK_MAX_BYTES } from "../../schema/media/upload-limits.ts";
import type { AppendRequest, ChecksumAlgorithm } from "../../schema/media/uploads.ts";
import type { BodyReader } from "./body-reader.ts";

const DIGESTS: Record<ChecksumAlgorithm, string> = { sha1: "SHA-1", sha256: "SHA-256", md5: "MD5" };

/** Returns the whole body, or the reason for its refusal. */
export async function checkedChunk(
  body: BodyReader,
  { algorithm, digest }: NonNullable<AppendRequest["checksum"]>,
): Promise<Uint8Array | "chunk_too_large" | "checksum_mismatch"> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let chunk = await body.read(); chunk; chunk = await body.read()) {
    length += chunk.length;
    if (length > CHECKED_CHUNK_MAX_BYTES) return "chunk_too_large";
    chunks.push(chunk.slice());
  }
  const whole = concatBytes(chunks);
  const found = new Uint8Array(await crypto.subtle.digest(DIGESTS[algorithm], whole)).toBase64();
  return found === digest ? whole : "checksum_mismatch";
}

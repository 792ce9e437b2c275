/** The messages between the upload routes and the actor of an upload. */
import type { MediaType } from "./media-types.ts";

export const CHECKSUM_ALGORITHMS = ["sha1", "sha256", "md5"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** The progress of an upload, in bytes and ms since 1970. `stored`: the type of its object, once that is complete. */
export type Standing = { offset: number; bytes: number; expiresAt: number; stored?: MediaType };

/** A request to append a chunk at `offset`. The digest is in base64. */
export type Append = { owner: string; offset: number; checksum?: { algorithm: ChecksumAlgorithm; digest: string } };

export type UploadRefusal =
  /** The actor has no upload of this owner: there was none, or it has ended. */
  | "media_not_found"
  | "offset_mismatch"
  /** Another request is using the upload and cannot be stopped at once. */
  | "upload_busy"
  | "checksum_mismatch"
  | "unsupported_type"
  | "too_large"
  /** A chunk with a checksum must be smaller. */
  | "chunk_too_large"
  /** The body broke off, or is longer than the rest of the file. Everything received before that is kept. */
  | "invalid_request"
  /** R2 did not store the data. */
  | "unavailable";

export type Answer = ({ ok: true } & Standing) | { ok: false; reason: UploadRefusal; detail?: string };

/** What a route and the actor of an upload say to each other. */
import type { MediaType } from "./media-types.ts";

export const CHECKSUM_ALGORITHMS = ["sha1", "sha256", "md5"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** How far an upload is. `stored`: its object is whole, and of this type. Bytes; ms since 1970. */
export type Standing = { offset: number; bytes: number; expiresAt: number; stored?: MediaType };

/** `digest` in base64. */
export type Append = { owner: string; offset: number; checksum?: { algorithm: ChecksumAlgorithm; digest: string } };

export type UploadRefusal =
  /** The actor knows of no upload of this owner: there was none, or it is over. */
  | "media_not_found"
  | "offset_mismatch"
  /** Somebody else is at it and cannot be stopped at once. */
  | "upload_busy"
  | "checksum_mismatch"
  | "unsupported_type"
  | "too_large"
  /** To be checked, a chunk must be smaller. */
  | "chunk_too_large"
  /** The body broke off, or is longer than what is missing. Of what came before, all is kept. */
  | "invalid_request"
  /** R2 did not store it. */
  | "unavailable";

export type Answer = ({ ok: true } & Standing) | { ok: false; reason: UploadRefusal; detail?: string };

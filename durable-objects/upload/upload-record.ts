/** The storage of an upload's actor. It is empty before an upload has begun and after it is over. */
import type { PersonId } from "../../schema/ids.ts";
import type { MediaType } from "../../schema/media/media-types.ts";
import { STALLED_KEPT_FOR, PART_BYTES, UPLOAD_LASTS } from "../../schema/media/upload-limits.ts";

/**
 * `key`: the object's key. `etags`: the etags of the parts in R2, in order; every part but the last has PART_BYTES.
 * `multipart`: R2's id of the multipart upload, once it has begun. `direct`: the client sends the parts to R2 itself.
 * `isStored`: the object is complete.
 */
export type Upload = {
  owner: PersonId;
  key: string;
  bytes: number;
  direct: boolean;
  contentType?: MediaType;
  multipart?: string;
  etags: string[];
  isStored: boolean;
  begunAt: number;
  progressedAt: number;
};

const UPLOAD = "upload";
const PIECE = "tail:";
/** A chunk of one byte rewrites a whole row of the tail, so rows are small; a tail has up to 20 of them. */
const PIECE_BYTES = 256 * 1024;

export const readUpload = ({ kv }: DurableObjectStorage): Upload | undefined => kv.get<Upload>(UPLOAD);
export const writeUpload = ({ kv }: DurableObjectStorage, upload: Upload): void => kv.put(UPLOAD, upload);

export const expiryOf = ({ progressedAt, begunAt }: Upload): number =>
  Math.min(progressedAt + STALLED_KEPT_FOR, begunAt + UPLOAD_LASTS);

export const partsOf = ({ bytes }: Upload): number => Math.ceil(bytes / PART_BYTES);

/** The total size of the parts in R2. */
export const bytesInParts = ({ bytes, etags }: Upload): number => Math.min(bytes, etags.length * PART_BYTES);

/** The part that is being filled. Its first `saved` bytes are in the actor's storage, as the tail. */
export type OpenPart = { bytes: Uint8Array<ArrayBuffer>; filled: number; saved: number };

/** Returns the next part, with the bytes of the stored tail. Its length is 0 when all parts are in R2. */
export function openPart({ kv }: DurableObjectStorage, upload: Upload): OpenPart {
  const bytes = new Uint8Array(Math.min(PART_BYTES, upload.bytes - bytesInParts(upload)));
  let filled = 0;
  for (const [, piece] of kv.list<Uint8Array>({ prefix: PIECE })) {
    bytes.set(piece, filled);
    filled += piece.length;
  }
  return { bytes, filled, saved: filled };
}

/** Stores the bytes that have arrived since the last save. */
export function saveTail({ kv }: DurableObjectStorage, part: OpenPart): void {
  if (part.saved === part.filled) return;
  const first = Math.floor(part.saved / PIECE_BYTES);
  for (let index = first; index * PIECE_BYTES < part.filled; index += 1) {
    const end = Math.min(part.filled, (index + 1) * PIECE_BYTES);
    kv.put(pieceKey(index), part.bytes.slice(index * PIECE_BYTES, end));
  }
  part.saved = part.filled;
}

export function clearTail({ kv }: DurableObjectStorage): void {
  const keys = Array.from(kv.list({ prefix: PIECE }), ([key]) => key);
  for (const key of keys) kv.delete(key);
}

// Padded to two digits, because keys are listed in lexicographic order.
const pieceKey = (index: number): string => PIECE + String(index).padStart(2, "0");

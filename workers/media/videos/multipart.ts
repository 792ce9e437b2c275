/**
 * Stores a file that is written almost in order. It is sent to the bucket in parts of equal size, as R2 requires. The
 * first part waits until the end, because the index at the beginning is written last; the newest few wait too, because
 * the length of a cluster is written into its beginning. So a file of any length takes PART_BYTES times PARTS_HELD + 2
 * of memory.
 */
import type { MediaId } from "../../../schema/ids.ts";
import { PART_BYTES } from "../../../schema/media/upload-limits.ts";
import { logWarning } from "../../../schema/log.ts";
import { Rejected } from "../files/rejections.ts";
import { videoKey } from "../files/objects.ts";

const PARTS_HELD = 3;

/** Receives the bytes of a file, mostly in order; some are overwritten later. */
export type Sink = (position: number, bytes: Uint8Array) => Promise<void>;

/**
 * Stores what `write` writes as the video `id`. Never overwrites an existing video: another delivery of the same
 * message wrote it, with the same packets. A failed upload is aborted; R2 removes the parts that a crash leaves behind
 * after a week.
 */
export async function storeVideo(
  env: Env,
  id: MediaId,
  contentType: string,
  write: (sink: Sink) => Promise<void>,
): Promise<void> {
  const file = partsOf(env, videoKey(id), contentType);
  try {
    await write(file.take);
    await file.finish();
  } catch (error) {
    await file.abort();
    throw error;
  }
}

function partsOf(env: Env, key: string, contentType: string) {
  const httpMetadata = { contentType };
  const held = new Map<number, Uint8Array>();
  const sent: R2UploadedPart[] = [];
  let length = 0;
  let next = 1; // The first part that has not been sent, apart from part 0.
  let upload: R2MultipartUpload | undefined;

  const partAt = (index: number): Uint8Array => {
    const part = held.get(index) ?? new Uint8Array(PART_BYTES);
    // A cluster is so large that its beginning was sent before its end was written.
    if (index > 0 && index < next) throw new Rejected("too_complex");
    held.set(index, part);
    return part;
  };

  const send = async (index: number): Promise<void> => {
    upload ??= await env.MEDIA.createMultipartUpload(key, { httpMetadata });
    const part = partAt(index).subarray(0, length - index * PART_BYTES);
    sent.push(await upload.uploadPart(index + 1, part));
    held.delete(index);
  };

  const take: Sink = async (position, bytes) => {
    for (let at = 0; at < bytes.length;) {
      const index = Math.floor((position + at) / PART_BYTES);
      const from = position + at - index * PART_BYTES;
      const piece = bytes.subarray(at, at + PART_BYTES - from);
      partAt(index).set(piece, from);
      length = Math.max(length, position + at + piece.length);
      at += piece.length;
      for (; next < index - PARTS_HELD; next += 1) await send(next);
    }
  };

  const finish = async (): Promise<void> => {
    if (length <= PART_BYTES) {
      const onlyIf = { etagDoesNotMatch: "*" };
      await env.MEDIA.put(key, partAt(0).subarray(0, length), { httpMetadata, onlyIf });
      return;
    }
    for (; next * PART_BYTES < length; next += 1) await send(next);
    await send(0);
    // `complete` cannot be conditional, and players of an existing video already hold ranges of it.
    if (await env.MEDIA.head(key)) return abort();
    await upload?.complete(sent.sort((a, b) => a.partNumber - b.partNumber));
  };

  const abort = async (): Promise<void> => {
    // The error that led here matters more than a failing abort.
    await upload?.abort().catch((error: unknown) => logWarning("parts not removed", { key, error: String(error) }));
  };

  return { take, finish, abort };
}

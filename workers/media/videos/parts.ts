/**
 * Stores a file that is written almost in its order. It is sent to the bucket in parts of one size, as R2 demands. The
 * first part waits for the end, because the index at the beginning is written last; the newest few wait as well, because
 * the length of a cluster is written into its beginning. So a file of any length takes PART_BYTES times PARTS_HELD + 2.
 */
import type { MediaId } from "../../../schema/ids.ts";
import { PART_BYTES } from "../../../schema/media/upload-limits.ts";
import { Rejected } from "../inspection/rejections.ts";
import { videoKey } from "../objects.ts";

const PARTS_HELD = 3;

/** Takes the bytes of a file, mostly in their order; some are written again later. */
export type Sink = (position: number, bytes: Uint8Array) => Promise<void>;

/**
 * Stores as the video `id` what `write` writes. Never overwrites: what is there already was written by another delivery
 * of the same message, and has the same packets. What has failed half way is taken back; what a crash leaves of it, R2
 * removes after a week.
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
    // A cluster so large that its beginning has been sent before its end came.
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
    // Completing knows no condition, and players of what is there already hold parts of it.
    if (await env.MEDIA.head(key)) return abort();
    await upload?.complete(sent.sort((a, b) => a.partNumber - b.partNumber));
  };

  const abort = async (): Promise<void> => {
    // What counts is why it is aborted.
    await upload?.abort().catch((error: unknown) => console.warn("parts not removed", { key, error: String(error) }));
  };

  return { take, finish, abort };
}

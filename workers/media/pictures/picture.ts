/** From a stored picture to one that can be shown: what it is, and its renditions. */
import type { MediaId } from "../../../schema/ids.ts";
import type { Findings, Original } from "../inspection/findings.ts";
import { originalKey } from "../objects.ts";
import { isTurned, readExif } from "./exif.ts";
import { makeRenditions, storeRenditions } from "./renditions.ts";
import { sizeOfRendition, statedSize, uprightSize } from "./size.ts";

/** As much of an original as is ever parsed by our own code: enough for the longest EXIF and a colour profile. */
const HEAD_BYTES = 128 * 1024;

/** Looks at a picture and stores its renditions. Throws `Rejected` when it is at fault. */
export async function inspectPicture(env: Env, { id, contentType }: Original): Promise<Findings> {
  const head = await readHead(env, id);
  const stated = await statedSize(env, id, contentType, new Uint8Array(head));
  const { orientation, takenAt, camera } = readExif(head);
  // AVIF turns its pictures by properties of its own (irot), and its EXIF repeats at most what they say.
  const turn = contentType === "image/avif" ? null : orientation;
  const renditions = await makeRenditions(env, originalKey(id));
  const size = uprightSize(stated, sizeOfRendition(renditions.w1080), isTurned({ orientation: turn }));
  await storeRenditions(env, id, renditions);
  const details = {
    ...(turn !== null && { orientation: turn }),
    ...(takenAt !== null && { takenAt }),
    ...(camera !== null && { camera }),
  };
  return { ...size, details };
}

async function readHead(env: Env, id: MediaId): Promise<ArrayBuffer> {
  const head = await env.MEDIA.get(originalKey(id), { range: { offset: 0, length: HEAD_BYTES } });
  if (!head) throw new Error(`the original of ${id} is missing`);
  return head.arrayBuffer();
}

import { withIccProfile } from "./png-colours.ts";

/** Types whose colours every decoder reads. Others, and files whose type was not stored, may be PNGs. */
const READABLE = /^image\/(?!png)/;

/** Returns the bytes of a stored picture as the Images binding is to get them. */
export const openPicture = ({ body, httpMetadata }: R2ObjectBody): ReadableStream<Uint8Array> =>
  READABLE.test(httpMetadata?.contentType ?? "") ? body : body.pipeThrough(withIccProfile());

/** Reads the picture at `key` like `openPicture`. A row promises it, so a missing object is a failure of ours. */
export async function readPicture(env: Env, key: string): Promise<ReadableStream<Uint8Array>> {
  const object = await env.MEDIA.get(key);
  if (!object) throw new Error(`${key} is missing`);
  return openPicture(object);
}

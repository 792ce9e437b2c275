import { Variant } from "../../schema/api/media.ts";
import type { MediaId } from "../../schema/ids.ts";

/** Where the bytes lie in R2. A key is made of an id alone: neither a name nor a content ever chooses one. */
export const originalKey = (id: MediaId): string => `originals/${id}`;
export const renditionKey = (id: MediaId, variant: Variant): string => `renditions/${id}/${variant}`;

/** Deletes the original and its renditions, as far as there are any. */
export const deleteObjects = (env: Env, id: MediaId): Promise<void> =>
  env.MEDIA.delete([originalKey(id), ...Variant.options.map((variant) => renditionKey(id, variant))]);

/** The bytes of an original. Its row says that there is one, so a missing one is a failure of ours, not the picture's. */
export async function originalOf(env: Env, id: MediaId): Promise<ReadableStream> {
  const original = await env.MEDIA.get(originalKey(id));
  if (!original) throw new Error(`the original of ${id} is missing`);
  return original.body;
}

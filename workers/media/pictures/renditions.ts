/**
 * The pictures that are served: WebP, upright, without any metadata. All are made at inspection, because the Images
 * binding bills each call: so the number of calls is that of the uploads, and a read never waits for one.
 */
import { THUMB, Variant } from "../../../schema/api/media.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { decoding } from "./decoder.ts";
import { bytesAt, renditionKey } from "../objects.ts";

export const RENDITION_TYPE = "image/webp";

/** The bytes of each. Their sizes are bounded by the width, so they may be in memory; the original never is. */
export type Renditions = Record<Variant, ArrayBuffer>;

/** Of the picture at `source`. Throws `Rejected` when it cannot be decoded. Costs four calls of the Images binding. */
export function makeRenditions(env: Env, source: string): Promise<Renditions> {
  const make = (variant: Variant) => makeRendition(env, source, variant);
  return decoding(env, "undecodable", async () => {
    const [w320, w640, w1080, thumb] = await Promise.all([make("w320"), make("w640"), make("w1080"), make("thumb")]);
    return { w320, w640, w1080, thumb };
  });
}

/** Never overwrites: what is at an address stays as it is, for the year that caches keep it. */
export async function storeRenditions(env: Env, id: MediaId, renditions: Renditions): Promise<void> {
  const store = (variant: Variant) =>
    env.MEDIA.put(renditionKey(id, variant), renditions[variant], {
      httpMetadata: { contentType: RENDITION_TYPE },
      onlyIf: { etagDoesNotMatch: "*" },
    });
  await Promise.all(Variant.options.map(store));
}

// None is larger than its original. The thumbnail is the middle of it.
const SHAPES: Record<Variant, ImageTransform> = {
  w320: { width: 320, fit: "scale-down" },
  w640: { width: 640, fit: "scale-down" },
  w1080: { width: 1080, fit: "scale-down" },
  thumb: { width: THUMB, height: THUMB, fit: "crop" },
};

// The binding turns a picture upright by itself, for all eight values of EXIF and for AVIF.
async function makeRendition(env: Env, source: string, variant: Variant): Promise<ArrayBuffer> {
  const made = await env.IMAGES.input(await bytesAt(env, source))
    .transform(SHAPES[variant])
    .output({ format: RENDITION_TYPE, anim: false });
  return made.response().arrayBuffer();
}

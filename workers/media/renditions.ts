/**
 * The pictures that are served: WebP, upright, without any metadata. All are made at inspection, because the Images
 * binding bills each call: so the number of calls is that of the uploads, and a read never waits for one.
 */
import { Variant, type WIDTHS } from "../../schema/api/media.ts";
import type { MediaId } from "../../schema/ids.ts";
import { decoding } from "./decoder.ts";
import { originalOf, renditionKey } from "./objects.ts";

export const RENDITION_TYPE = "image/webp";

/** The bytes of each. Their sizes are bounded by the width, so they may be in memory; the original never is. */
export type Renditions = Record<Variant, ArrayBuffer>;

export function makeRenditions(env: Env, id: MediaId): Promise<Renditions> {
  const make = (width: (typeof WIDTHS)[number]) => makeRendition(env, id, width);
  return decoding(env, "undecodable", async () => {
    const [w320, w640, w1080] = await Promise.all([make(320), make(640), make(1080)]);
    return { w320, w640, w1080 };
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

// The binding turns a picture upright by itself, for all eight values of EXIF and for AVIF.
async function makeRendition(env: Env, id: MediaId, width: number): Promise<ArrayBuffer> {
  const made = await env.IMAGES.input(await originalOf(env, id))
    .transform({ width, fit: "scale-down" }) // Never larger than the original.
    .output({ format: RENDITION_TYPE, anim: false });
  return made.response().arrayBuffer();
}

/**
 * The pictures that are served: upright, without any metadata. WebP is made at inspection, because the Images binding bills
 * each call: so the number of calls is that of the uploads, and a read never waits for one. What other formats are made
 * when is told in workers/media/serving/making.ts.
 */
import { THUMB, Variant } from "../../../schema/api/media.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { decoding } from "./decoder.ts";
import { bytesAt, type Format, mediaAt, renditionKey } from "../objects.ts";

export const FORMAT_TYPES = { webp: "image/webp", avif: "image/avif", jpeg: "image/jpeg" } as const satisfies Record<
  Format,
  string
>;

/** The bytes of each. Their sizes are bounded by the width, so they may be in memory; the original never is. */
export type Renditions = Record<Variant, ArrayBuffer>;

/** It is stored when all others are: where it is, nothing is left to be made. */
const LAST = "thumb" satisfies Variant;
const OTHERS = Variant.options.filter((variant) => variant !== LAST);

/**
 * Of the picture at `source`: those that are stored, or new ones. Throws `Rejected` when it cannot be decoded. Costs one
 * look into the bucket, and four calls of the Images binding or four reads.
 */
export async function makeRenditions(env: Env, source: string): Promise<Renditions> {
  const stored = await storedRenditions(env, mediaAt(source));
  if (stored) return stored;
  const make = async (variant: Variant) => encoded(await bytesAt(env, source), variant, "webp", env);
  return decoding(env, "undecodable", () => ofEach(make));
}

/** Never overwrites: what is at an address stays as it is, for the year that caches keep it. */
export async function storeRenditions(env: Env, id: MediaId, renditions: Renditions): Promise<void> {
  await Promise.all(OTHERS.map((variant) => storeRendition(env, id, variant, "webp", renditions[variant])));
  await storeRendition(env, id, LAST, "webp", renditions[LAST]);
}

export async function storeRendition(
  env: Env,
  id: MediaId,
  variant: Variant,
  format: Format,
  bytes: ArrayBuffer,
): Promise<void> {
  await env.MEDIA.put(renditionKey(id, variant, format), bytes, {
    httpMetadata: { contentType: FORMAT_TYPES[format] },
    onlyIf: { etagDoesNotMatch: "*" },
  });
}

/** An inspection that comes again pays for none of them again. */
async function storedRenditions(env: Env, id: MediaId): Promise<Renditions | undefined> {
  if (!(await env.MEDIA.head(renditionKey(id, LAST)))) return undefined;
  return ofEach(async (variant) => new Response(await bytesAt(env, renditionKey(id, variant))).arrayBuffer());
}

async function ofEach(get: (variant: Variant) => Promise<ArrayBuffer>): Promise<Renditions> {
  const [w320, w640, w1080, thumb] = await Promise.all([get("w320"), get("w640"), get("w1080"), get("thumb")]);
  return { w320, w640, w1080, thumb };
}

// None is larger than its original. The thumbnail is the middle of it.
const SHAPES: Record<Variant, ImageTransform> = {
  w320: { width: 320, fit: "scale-down" },
  w640: { width: 640, fit: "scale-down" },
  w1080: { width: 1080, fit: "scale-down" },
  thumb: { width: THUMB, height: THUMB, fit: "crop" },
};

/**
 * One call of the Images binding, which turns a picture upright by itself: for all eight values of EXIF, and for AVIF. Of
 * what is upright and in this shape already it is the same picture in another format. Throws when the encoder has made
 * something else, as it may of an AVIF that it finds too large.
 */
export async function encoded(
  picture: ReadableStream<Uint8Array>,
  variant: Variant,
  format: Format,
  { IMAGES }: Pick<Env, "IMAGES">,
): Promise<ArrayBuffer> {
  const type = FORMAT_TYPES[format];
  const made = await IMAGES.input(picture)
    .transform(SHAPES[variant])
    // JPEG knows no transparency. The local binding takes black all the same.
    .output({ format: type, anim: false, ...(format === "jpeg" && { background: "#ffffff" }) });
  if (made.contentType() !== type) throw new OtherFormat(`asked for ${type}, got ${made.contentType()}`);
  return made.response().arrayBuffer();
}

export class OtherFormat extends Error {}

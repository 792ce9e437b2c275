/**
 * Makes the pictures that are served: upright, without metadata. WebP is made at inspection, because each call of the
 * Images binding is billed: so calls grow with uploads, not with reads, and no read waits for one. The other formats
 * are made on demand (workers/media/serving/on-demand.ts).
 */
import { type Rendition, THUMB, Variant } from "../../../schema/api/media.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { SIDES, SQUARES } from "../../../schema/media/squares.ts";
import { rejectUndecodable } from "./decoder.ts";
import { readObject, type Format, mediaIdOf, originalKey, renditionKey } from "../files/objects.ts";

export const FORMAT_TYPES = { webp: "image/webp", avif: "image/avif", jpeg: "image/jpeg" } as const satisfies Record<
  Format,
  string
>;

/** The bytes of each rendition. The width bounds their size, so they may be in memory; the original never is. */
export type Renditions = Record<Variant, ArrayBuffer>;

/** The rendition that is stored after all others, so its presence means that all of them are stored. */
const LAST = "thumb" satisfies Variant;
const OTHERS = Variant.options.filter((variant) => variant !== LAST);

/**
 * Returns the renditions of the picture at `source`, either the stored ones or new ones, which it does not store.
 * Throws `Rejected` when the picture cannot be decoded. Costs one HEAD, and four calls of the Images binding or four
 * reads.
 */
export async function makeRenditions(env: Env, source: string): Promise<Renditions> {
  const stored = await storedRenditions(env, mediaIdOf(source));
  if (stored) return stored;
  const make = async (variant: Variant) => encoded(await readObject(env, source), variant, "webp", env);
  return rejectUndecodable(env, "undecodable", () => ofEach(make));
}

/** Returns the size of all renditions together. */
export const sizeOfAll = (renditions: Renditions): number =>
  Object.values(renditions).reduce((sum, { byteLength }) => sum + byteLength, 0);

/** Stores the renditions. Never overwrites: the bytes at a URL stay the same for the year that caches keep them. */
export async function storeRenditions(env: Env, id: MediaId, renditions: Renditions): Promise<void> {
  await Promise.all(OTHERS.map((variant) => storeRendition(env, id, variant, "webp", renditions[variant])));
  await storeRendition(env, id, LAST, "webp", renditions[LAST]);
}

/** Stores one rendition, unless there already is one. */
export async function storeRendition(
  env: Env,
  id: MediaId,
  variant: Rendition,
  format: Format,
  bytes: ArrayBuffer,
): Promise<void> {
  await env.MEDIA.put(renditionKey(id, variant, format), bytes, {
    httpMetadata: { contentType: FORMAT_TYPES[format] },
    onlyIf: { etagDoesNotMatch: "*" },
  });
}

/**
 * Makes and stores the squares of a ready picture, and returns their size together. Costs two calls of the Images binding.
 */
export async function storeSquares(env: Env, id: MediaId): Promise<number> {
  const source = await squareSourceOf(env, id);
  const sizes = SQUARES.map(async (square) => {
    const bytes = await encoded(await readObject(env, source), square, "webp", env);
    await storeRendition(env, id, square, "webp", bytes);
    return bytes.byteLength;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Returns what squares are made from: the thumbnail, which is small and has their shape. Old pictures have none. */
export async function squareSourceOf(env: Env, id: MediaId): Promise<string> {
  const thumb = renditionKey(id, "thumb");
  return (await env.MEDIA.head(thumb)) ? thumb : originalKey(id);
}

/** Returns stored renditions, so that a repeated inspection does not pay for new ones. */
async function storedRenditions(env: Env, id: MediaId): Promise<Renditions | undefined> {
  if (!(await env.MEDIA.head(renditionKey(id, LAST)))) return undefined;
  return ofEach(async (variant) => new Response(await readObject(env, renditionKey(id, variant))).arrayBuffer());
}

async function ofEach(get: (variant: Variant) => Promise<ArrayBuffer>): Promise<Renditions> {
  const [w320, w640, w1080, thumb] = await Promise.all([get("w320"), get("w640"), get("w1080"), get("thumb")]);
  return { w320, w640, w1080, thumb };
}

// No rendition is larger than its original. Squares are cropped to the centre.
const SHAPES: Record<Rendition, ImageTransform> = {
  w320: { width: 320, fit: "scale-down" },
  w640: { width: 640, fit: "scale-down" },
  w1080: { width: 1080, fit: "scale-down" },
  thumb: { width: THUMB, height: THUMB, fit: "crop" },
  s96: { width: SIDES.s96, height: SIDES.s96, fit: "crop" },
  s192: { width: SIDES.s192, height: SIDES.s192, fit: "crop" },
};

/**
 * Encodes a picture with one call of the Images binding, which rotates it upright, for all eight EXIF orientations and
 * for AVIF. An upright picture of the right shape only changes its format. Throws `OtherFormat` when the encoder
 * returns another format, as it may for an AVIF that it finds too large.
 */
export async function encoded(
  picture: ReadableStream<Uint8Array>,
  variant: Rendition,
  format: Format,
  { IMAGES }: Pick<Env, "IMAGES">,
): Promise<ArrayBuffer> {
  const type = FORMAT_TYPES[format];
  const made = await IMAGES.input(picture)
    .transform(SHAPES[variant])
    // JPEG has no transparency. The local binding ignores this and fills with black.
    .output({ format: type, anim: false, ...(format === "jpeg" && { background: "#ffffff" }) });
  if (made.contentType() !== type) throw new OtherFormat(`asked for ${type}, got ${made.contentType()}`);
  return made.response().arrayBuffer();
}

/** Thrown when the encoder returned a format other than the requested one. */
export class OtherFormat extends Error {}

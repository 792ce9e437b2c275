/**
 * Makes the pictures that are served: upright, without metadata. WebP up to 1,080 pixels is made at inspection, because each
 * call of the Images binding is billed: so calls grow with uploads, not with reads, and few reads wait for one. Larger
 * pictures and other formats are made on demand (workers/media/serving/on-demand.ts).
 */
import { isSquare, type Rendition } from "../../../schema/api/media.ts";
import type { MediaId } from "../../../schema/ids.ts";
import {
  MADE_AT_INSPECTION,
  type MadeAtInspection,
  type PictureSize,
  THUMB,
  widthBound,
} from "../../../schema/media/renditions.ts";
import { SIDES, SQUARES } from "../../../schema/media/squares.ts";
import { rejectUndecodable } from "./decoder.ts";
import { readPicture } from "./opened.ts";
import { readObject, type Format, mediaIdOf, originalKey, renditionKey } from "../files/objects.ts";

export const FORMAT_TYPES = { webp: "image/webp", avif: "image/avif", jpeg: "image/jpeg" } as const satisfies Record<
  Format,
  string
>;

/** The bytes of each rendition. Their area is bounded, so they may be in memory; the original never is. */
export type Renditions = Record<MadeAtInspection, ArrayBuffer>;

/** The rendition that is stored after all others, so its presence means that all of them are stored. */
const LAST = "thumb" satisfies MadeAtInspection;
const OTHERS = MADE_AT_INSPECTION.filter((variant) => variant !== LAST);

/**
 * Returns the renditions of the picture at `source`, either the stored ones or new ones, which it does not store. `size` is
 * that of the upright picture, as far as it is known. Throws `Rejected` when the picture cannot be decoded. Costs one HEAD,
 * and four calls of the Images binding or four reads.
 */
export async function makeRenditions(env: Env, source: string, size?: PictureSize): Promise<Renditions> {
  const stored = await storedRenditions(env, mediaIdOf(source));
  if (stored) return stored;
  const make = async (variant: MadeAtInspection) =>
    encoded(await readPicture(env, source), { variant, format: "webp", size }, env);
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

/** Stores one rendition, unless there already is one. Returns whether it did. */
export async function storeRendition(
  env: Env,
  id: MediaId,
  variant: Rendition,
  format: Format,
  bytes: ArrayBuffer,
): Promise<boolean> {
  const stored = await env.MEDIA.put(renditionKey(id, variant, format), bytes, {
    httpMetadata: { contentType: FORMAT_TYPES[format] },
    onlyIf: { etagDoesNotMatch: "*" },
  });
  return stored !== null;
}

/**
 * Makes and stores the squares of a ready picture, and returns their size together. Costs two calls of the Images binding.
 */
export async function storeSquares(env: Env, id: MediaId): Promise<number> {
  const source = await squareSourceOf(env, id);
  const sizes = SQUARES.map(async (square) => {
    const bytes = await encoded(await readPicture(env, source), { variant: square, format: "webp" }, env);
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

async function ofEach(get: (variant: MadeAtInspection) => Promise<ArrayBuffer>): Promise<Renditions> {
  const [w320, w640, w1080, thumb] = await Promise.all([get("w320"), get("w640"), get("w1080"), get("thumb")]);
  return { w320, w640, w1080, thumb };
}

/** What to make of a picture. `size` is that of the upright picture, if it is known. */
export type Encoding = { variant: Rendition; format: Format; size?: PictureSize | undefined };

// No rendition is larger than its original. Squares are cropped to the centre.
function transformFor({ variant, size }: Encoding): ImageTransform {
  if (variant === "thumb") return square(THUMB);
  if (isSquare(variant)) return square(SIDES[variant]);
  return { width: widthBound(variant, size), fit: "scale-down" };
}

const square = (side: number): ImageTransform => ({ width: side, height: side, fit: "crop" });

/**
 * Encodes a picture with one call of the Images binding, which rotates it upright, for all eight EXIF orientations and
 * for AVIF. An upright picture of the right shape only changes its format. Throws `OtherFormat` when the encoder
 * returns another format, as it may for an AVIF that it finds too large.
 */
export async function encoded(
  picture: ReadableStream<Uint8Array>,
  encoding: Encoding,
  { IMAGES }: Pick<Env, "IMAGES">,
): Promise<ArrayBuffer> {
  const { format } = encoding;
  const type = FORMAT_TYPES[format];
  const made = await IMAGES.input(picture)
    .transform(transformFor(encoding))
    // JPEG has no transparency. The local binding ignores this and fills with black: on-white.ts.
    .output({ format: type, anim: false, ...(format === "jpeg" && { background: "#ffffff" }) });
  if (made.contentType() !== type) throw new OtherFormat(`asked for ${type}, got ${made.contentType()}`);
  return made.response().arrayBuffer();
}

/** Thrown when the encoder returned a format other than the requested one. */
export class OtherFormat extends Error {}

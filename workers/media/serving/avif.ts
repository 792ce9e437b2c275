/** Decides what is served as AVIF, which is about half the size of WebP, and costs a call of Images for each rendition. */
import { isSquare, type Rendition } from "../../../schema/api/media.ts";
import { logWarning } from "../../../schema/log.ts";
import { renditionWidth, type SizedMedia } from "../../../schema/media/renditions.ts";

/** The largest side of an AVIF that Cloudflare's encoder makes, in pixels. It bills the attempt at a larger one all the same. */
const AVIF_SIDE_MAX = 1200;

/** The request for a rendition from which its AVIF is made, unless the variable AVIF_FROM sets another. */
const AVIF_FROM = 2;

/** Whether a rendition is small enough to be made as AVIF. A poster, whose size is not known, is tried once. */
export function mayBeAvif(variant: Rendition, media: SizedMedia): boolean {
  if (variant === "thumb" || isSquare(variant) || media.isVideo) return true;
  const width = renditionWidth(variant, media);
  return Math.max(width, (media.height * width) / media.width) <= AVIF_SIDE_MAX;
}

let parsed: { text: string; from: number } | undefined;

/** Returns from which request on an AVIF is made; Infinity for never. A wrong text is logged, and counts as none. */
export function avifFrom({ AVIF_FROM: text = "" }: Partial<Pick<Env, "AVIF_FROM">>): number {
  if (parsed?.text !== text) parsed = { text, from: parse(text) };
  return parsed.from;
}

function parse(text: string): number {
  if (text === "off") return Infinity;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  if (text !== "") logWarning("AVIF_FROM is not valid", { text });
  return AVIF_FROM;
}

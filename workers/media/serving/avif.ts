import { isSquare, type Rendition } from "../../../schema/api/media.ts";
import { renditionWidth, type SizedMedia } from "../../../schema/media/renditions.ts";

/** The largest side of an AVIF that Cloudflare's encoder makes, in pixels. It bills the attempt at a larger one all the same. */
const AVIF_SIDE_MAX = 1200;

/** Whether a rendition is small enough to be made as AVIF. A poster, whose size is not known, is tried once. */
export function mayBeAvif(variant: Rendition, media: SizedMedia): boolean {
  if (variant === "thumb" || isSquare(variant) || media.isVideo) return true;
  const width = renditionWidth(variant, media);
  return Math.max(width, (media.height * width) / media.width) <= AVIF_SIDE_MAX;
}

/** The renditions of a picture, and how wide each one is. The Worker and the web client share these rules. */

/** In pixels, of the upright picture. */
export type PictureSize = { width: number; height: number };

/** What the rules need to know: a video is shown by its poster, whose size is not stored. */
export type SizedMedia = PictureSize & { isVideo: boolean };

/** The renditions that keep the shape of their picture, narrowest first, with their width in pixels. */
export const WIDTHS = { w320: 320, w640: 640, w1080: 1080, w1600: 1600, w2048: 2048 } as const;
export type WidthName = keyof typeof WIDTHS;
export const WIDTH_NAMES = Object.keys(WIDTHS) as [WidthName, ...WidthName[]];

/** Side of the square thumbnail, in pixels; less for a smaller picture. */
export const THUMB = 320;

/** Made when a picture is inspected. Every other rendition is made when it is first requested. */
export const MADE_AT_INSPECTION = ["w320", "w640", "w1080", "thumb"] as const;
export type MadeAtInspection = (typeof MADE_AT_INSPECTION)[number];
export const WIDEST_AT_INSPECTION = "w1080" satisfies MadeAtInspection & WidthName;
export const isMadeAtInspection = (name: string): name is MadeAtInspection =>
  MADE_AT_INSPECTION.some((made) => made === name);

/** A picture this many times as wide as it is high, or as high as it is wide, is bounded by its width alone. */
const RATIO_MAX = 2.5;
/** The most that the Images binding takes, in pixels. */
export const SIDE_MAX = 12_000;

/**
 * Returns how wide a rendition is, in pixels, unless its picture is narrower. Very wide and very high pictures keep the area
 * that a picture of the ratio 2.5 has: bounded by width alone, a panorama would be a thin line, and a comic strip would have
 * more pixels than its readers' devices can hold. Without a size, the width counts alone.
 */
export function widthBound(name: WidthName, size?: PictureSize): number {
  const ratio = size ? size.width / size.height : 1;
  if (!(ratio > 0 && Number.isFinite(ratio))) return WIDTHS[name];
  const scale = Math.sqrt(Math.max(1, ratio / RATIO_MAX) * Math.min(1, ratio * RATIO_MAX));
  return Math.min(SIDE_MAX, Math.max(1, Math.round(WIDTHS[name] * scale)));
}

/** Returns the width of a rendition in pixels. No rendition is larger than its picture. */
export const renditionWidth = (name: WidthName, media: SizedMedia): number =>
  Math.min(media.width, widthBound(name, media.isVideo ? undefined : media));

/**
 * Returns the rendition to show in place of `name`: the next smaller one where `name` would be no wider, so that nobody pays
 * for the same picture twice. Those made at inspection stand for themselves. A poster has no others.
 */
export function usefulName(name: WidthName, media: SizedMedia): WidthName {
  const smaller = WIDTH_NAMES[WIDTH_NAMES.indexOf(name) - 1];
  if (isMadeAtInspection(name) || smaller === undefined) return name;
  if (media.isVideo) return WIDEST_AT_INSPECTION;
  return renditionWidth(name, media) > renditionWidth(smaller, media) ? name : usefulName(smaller, media);
}

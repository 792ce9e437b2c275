/** The `srcset` of a picture, from which the browser picks by the size and density of its screen. */
import type { ShownMedia } from "../../../schema/api/media.ts";

const WIDTHS = [
  ["w320", 320],
  ["w640", 640],
  ["w1080", 1080],
] as const;
const THUMB = 320;

type Picture = Pick<ShownMedia, "urls" | "width" | "height">;

/** Lists the renditions by width. None is wider than its picture; of several equally wide, only the first is listed. */
export function widthSet({ urls, width }: Picture): string {
  return urls ? sourceSet(WIDTHS.map(([variant, wide]) => [Math.min(wide, width), urls[variant]])) : "";
}

/** Lists the renditions by the side of the largest square in each; what lies outside that square is cropped. */
export function squareSet({ urls, width, height }: Picture): string {
  if (!urls) return "";
  const shorter = Math.min(width, height);
  const squares = WIDTHS.map(([variant, wide]): [number, string] => [
    Math.round((shorter * Math.min(wide, width)) / width),
    urls[variant],
  ]);
  const thumb = Math.min(THUMB, shorter);
  return sourceSet([[thumb, urls.thumb], ...squares.filter(([side]) => side > thumb)]);
}

function sourceSet(sources: [number, string][]): string {
  const byWidth = new Map<number, string>();
  for (const [wide, url] of sources) if (!byWidth.has(wide)) byWidth.set(wide, `${url} ${wide}w`);
  return [...byWidth.values()].join(", ");
}

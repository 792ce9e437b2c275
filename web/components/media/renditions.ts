/** The `srcset` of a picture, from which the browser picks by the size and density of its screen. */
import type { ShownMedia } from "../../../schema/api/media.ts";
import {
  isMadeAtInspection,
  renditionWidth,
  type SizedMedia,
  THUMB,
  usefulName,
  WIDTH_NAMES,
} from "../../../schema/media/renditions.ts";

/**
 * The most space that a picture may take: CSS lengths, and the media condition under which they count. The first that counts
 * decides. They repeat what the style sheets say, because a browser chooses a rendition before it has read those.
 */
export type Frame = { when?: string; width: string; height: string };

type Picture = Pick<ShownMedia, "urls" | "width" | "height" | "video">;

/** Lists the renditions by width. None is wider than its picture; of several equally wide, only the first is listed. */
export function widthSet(picture: Picture): string {
  const { urls } = picture;
  if (!urls) return "";
  const media = sized(picture);
  const names = WIDTH_NAMES.filter((name) => usefulName(name, media) === name);
  return sourceSet(names.map((name) => [renditionWidth(name, media), urls[name]]));
}

/** Screens so dense that four fifths of their pixels look the same: those of most phones, which then need no large rendition. */
const DENSE = "(min-resolution: 2.5dppx)";
const DENSE_SHARE = 0.8;

/** Returns the `sizes` of a picture that fits into a frame: how wide it is shown, which a tall one is less than its frame. */
export function sizesIn(frames: readonly Frame[], { width, height }: Pick<Picture, "width" | "height">): string {
  const sizes = frames.flatMap((frame) => {
    const shown = `min(${frame.width}, ${frame.height} * ${(width / height).toFixed(4)})`;
    const conditions = (...all: (string | undefined)[]) => all.filter((one) => one !== undefined).join(" and ");
    return [
      `${conditions(DENSE, frame.when)} calc(${DENSE_SHARE} * ${shown})`,
      `${conditions(frame.when)} ${shown}`.trimStart(),
    ];
  });
  return sizes.join(", ");
}

/**
 * Lists the renditions by the side of the largest square in each; what lies outside that square is cropped. Those that are made
 * on demand are left out: a tile is small, and a wall of panoramas would have each of them made at its largest.
 */
export function squareSet(picture: Picture): string {
  const { urls, width, height } = picture;
  if (!urls) return "";
  const shorter = Math.min(width, height);
  const squares = WIDTH_NAMES.filter(isMadeAtInspection).map((name): [number, string] => [
    Math.round((shorter * renditionWidth(name, sized(picture))) / width),
    urls[name],
  ]);
  const thumb = Math.min(THUMB, shorter);
  return sourceSet([[thumb, urls.thumb], ...squares.filter(([side]) => side > thumb)]);
}

const sized = ({ width, height, video }: Picture): SizedMedia => ({ width, height, isVideo: video !== undefined });

function sourceSet(sources: [number, string][]): string {
  const byWidth = new Map<number, string>();
  for (const [wide, url] of sources) if (!byWidth.has(wide)) byWidth.set(wide, `${url} ${wide}w`);
  return [...byWidth.values()].join(", ");
}

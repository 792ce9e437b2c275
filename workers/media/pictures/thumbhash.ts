/** Makes ThumbHashes: a few dozen bytes that stand for a picture while it loads. https://evanw.github.io/thumbhash */
import { convertIndexedToRgb, decode, type DecodedPng } from "fast-png";
import { rgbaToThumbHash } from "thumbhash";
import { rejectUndecodable } from "./decoder.ts";
import { readPicture } from "./opened.ts";
import { sizeOfRendition } from "./upright-size.ts";

/** The largest side of a picture that a ThumbHash can be made from, in pixels. */
const SIDE_MAX = 100;

/**
 * Returns the ThumbHash of the picture at `source`, an R2 key, in base64. Throws `Rejected` when the picture cannot be
 * decoded. Costs one call of the Images binding.
 */
export async function thumbhashOf(env: Env, source: string): Promise<string> {
  const png = await rejectUndecodable(env, "undecodable", async () => {
    const made = await env.IMAGES.input(await readPicture(env, source))
      .transform({ width: SIDE_MAX, height: SIDE_MAX, fit: "scale-down" })
      .output({ format: "image/png", anim: false });
    return made.response().arrayBuffer();
  });
  const { width, height } = sizeOfRendition(png);
  if (width > SIDE_MAX || height > SIDE_MAX) throw new Error(`${source} came back with ${width} by ${height} pixels`);
  const hash = rgbaToThumbHash(width, height, rgbaOf(decode(png)));
  return btoa(String.fromCharCode(...hash));
}

/** Expands a PNG to RGBA with 8 bits. Encoders omit the colours, transparency and bits that a picture does not use. */
function rgbaOf(png: DecodedPng): Uint8Array {
  const channels = png.palette ? (png.palette[0]?.length ?? 3) : png.channels;
  const data = png.palette ? convertIndexedToRgb(png) : png.data;
  const scale = png.depth === 16 ? 257 : 1;
  const rgba = new Uint8Array(png.width * png.height * 4).fill(255);
  for (let pixel = 0; pixel < png.width * png.height; pixel += 1) {
    const sample = (channel: number) => (data[pixel * channels + channel] ?? 0) / scale;
    const grey = channels < 3;
    rgba.set([sample(0), sample(grey ? 0 : 1), sample(grey ? 0 : 2)], pixel * 4);
    if (channels % 2 === 0) rgba[pixel * 4 + 3] = sample(channels - 1);
  }
  return rgba;
}

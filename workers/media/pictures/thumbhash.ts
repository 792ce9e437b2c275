/** A placeholder of some 25 bytes: https://evanw.github.io/thumbhash. */
import { decode } from "fast-png";
import { rgbaToThumbHash } from "thumbhash";
import { decoding } from "./decoder.ts";
import { bytesAt } from "../objects.ts";

/** The most that the algorithm takes, a side. */
const SIDE = 100;

/** Of the picture at `source`, as base64. Throws `Rejected` when it cannot be decoded. Costs a call of the Images binding. */
export async function thumbhashOf(env: Env, source: string): Promise<string> {
  const png = await decoding(env, "undecodable", async () => {
    const made = await env.IMAGES.input(await bytesAt(env, source))
      .transform({ width: SIDE, height: SIDE, fit: "scale-down" })
      .output({ format: "image/png", anim: false });
    return made.response().arrayBuffer();
  });
  const { width, height, data, channels } = decode(png);
  const rgba = new Uint8Array(width * height * 4).fill(255);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const at = (channel: number) => data[pixel * channels + channel] ?? 0;
    const colours = channels < 3 ? [at(0), at(0), at(0)] : [at(0), at(1), at(2)];
    rgba.set(colours, pixel * 4);
    if (channels % 2 === 0) rgba[pixel * 4 + 3] = at(channels - 1);
  }
  return btoa(String.fromCharCode(...rgbaToThumbHash(width, height, rgba)));
}

/** Pictures of one colour, and the colour that a picture has. */
import { env } from "cloudflare:workers";
import { decode } from "fast-png";
import { bytes, chunk, PNG_SIGNATURE, u32 } from "./picture-bytes.ts";

/** Makes a PNG of one colour: red, green, blue and, if it has four parts, opacity. `before` comes before its pixels. */
export async function colourPng(
  width: number,
  height: number,
  colour: readonly number[],
  before: Uint8Array[] = [],
): Promise<ArrayBuffer> {
  const row = bytes(0, ...Array.from({ length: width }, () => bytes(...colour)));
  const rows = new Blob(Array.from({ length: height }, () => row));
  const data = new Uint8Array(
    await new Response(rows.stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer(),
  );
  const header = chunk("IHDR", bytes(u32(width), u32(height), 8, colour.length === 4 ? 6 : 2, 0, 0, 0));
  return bytes(PNG_SIGNATURE, header, ...before, chunk("IDAT", data), chunk("IEND")).buffer;
}

/** Names a colour space by the numbers of H.273. */
export const cicp = (primaries: number, transfer: number): Uint8Array =>
  chunk("cICP", bytes(primaries, transfer, 0, 1));

/** Returns the colour in the middle of a picture: red, green and blue. */
export async function colourIn(picture: ArrayBuffer): Promise<number[]> {
  const made = await env.IMAGES.input(new Blob([picture]).stream()).output({ format: "image/png" });
  const { width, height, channels, data } = decode(await made.response().arrayBuffer());
  const at = (Math.floor(height / 2) * width + Math.floor(width / 2)) * channels;
  return Array.from(data.slice(at, at + 3));
}

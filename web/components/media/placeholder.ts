/** Blurred placeholders for pictures that are loading, from the thumbhash that comes with the post. */
import { rgbaToDataURL, thumbHashToRGBA } from "thumbhash";

/** More than one screen shows. A dropped placeholder is only made again. */
const PLACEHOLDERS_MAX = 300;
/** The longer side, in pixels. A thumbhash holds no more detail, and the browser smooths it. */
const SIDE = 32;

const made = new Map<string, string>();

/**
 * The URL of the picture that a thumbhash (Base64) encodes, stretched to the aspect ratio of `width` x `height`, which
 * the hash itself holds only roughly. Undefined if it is no thumbhash. A blob, because the page's content security
 * policy allows no `data:`.
 */
export function placeholderOf(hash: string, width: number, height: number): string | undefined {
  const scale = SIDE / Math.max(width, height);
  const [wide, high] = [Math.ceil(width * scale), Math.ceil(height * scale)];
  const key = `${hash} ${wide} ${high}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  try {
    const png = bytesOf(rgbaToDataURL(wide, high, stretched(thumbHashToRGBA(bytesOf(hash)), wide, high)).split(",")[1]);
    const url = URL.createObjectURL(new Blob([png], { type: "image/png" }));
    made.set(key, url);
    forgetOldest();
    return url;
  } catch {
    return undefined;
  }
}

type Pixels = { w: number; h: number; rgba: Uint8Array };

function stretched({ w, h, rgba }: Pixels, wide: number, high: number): Uint8Array {
  const pixels = new Uint8Array(wide * high * 4);
  for (let y = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1) {
      const from = (Math.floor((y * h) / high) * w + Math.floor((x * w) / wide)) * 4;
      pixels.set(rgba.subarray(from, from + 4), (y * wide + x) * 4);
    }
  }
  return pixels;
}

const bytesOf = (base64 = ""): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

function forgetOldest(): void {
  const [oldest] = made;
  if (made.size <= PLACEHOLDERS_MAX || !oldest) return;
  made.delete(oldest[0]);
  URL.revokeObjectURL(oldest[1]);
}

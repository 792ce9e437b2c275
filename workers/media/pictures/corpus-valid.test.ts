import { describe, expect, it } from "vitest";
import { type Media, Variant } from "../../../schema/api/media.ts";
import { eachFile, HAS_CORPUS, IS_WHOLE, outcome } from "../../../tests/runtime/media/corpus.ts";
import { requestAs } from "../../../tests/runtime/media/media.ts";

type Known = {
  format: string;
  displayWidth: number;
  displayHeight: number;
  orientation?: number;
  transforms?: string[];
  hasGps?: boolean;
};

// These photographs were truncated on purpose, and the local decoder (libvips) rejects an incomplete JPEG.
const CUT_OFF = "undecodable";

/** Valid files that do not become ready here. The local decoder takes neither HEIC nor AVIF sequences. */
const NOT_READY: Record<string, string> = {
  "images-valid/androidx/black_large.webp": "too_many_pixels", // 16,000 by 9,000.
  "images-valid/androidx/non-motion-photo-shortened.jpg": CUT_OFF,
  "images-valid/androidx/sample_still_photo.heic": "heic_not_decoded",
  "images-valid/image-size/sample-multi.heic": "heic_not_decoded",
  "images-valid/image-size/sample.heic": "heic_not_decoded",
  "images-valid/image-size/sample.heif": "heic_not_decoded",
  "images-valid/libavif/colors-animated-12bpc-keyframes-0-2-3.avif": "animated_avif",
  "images-valid/libavif/colors-animated-8bpc.avif": "animated_avif",
  "images-valid/mp4parse/loop_forever.avif": "animated_avif",
  "images-valid/pillow/sequence_start.png": "corrupt", // Its frames begin with a wrong number.
  "images-gps/androidx/pixel-motion-photo-jfif-segment-shortened.jpg": CUT_OFF,
  "images-gps/androidx/pixel-motion-photo-shortened.jpg": CUT_OFF,
  "images-gps/androidx/sample_MP.heic": "heic_not_decoded",
  "images-gps/androidx/ss-motion-photo-shortened.jpg": CUT_OFF,
  "images-gps/exifr/heic-iphone7.heic": "heic_not_decoded",
  "images-gps/libavif/colors-animated-8bpc-alpha-exif-xmp.avif": "animated_avif",
  "images-gps/pillow/ultrahdr.jpg": CUT_OFF,
};

/** Pictures that a decoder rotates or crops, HEIC, and some others. corpus.node.test.ts reads the headers of all. */
const isSample = ({ format, orientation = 1, transforms }: Known, index: number): boolean =>
  (orientation > 1 && format !== "jpeg") || transforms !== undefined || format === "heic" || index % 32 === 0;

describe.skipIf(!HAS_CORPUS)("inspection of valid pictures from other projects", { timeout: 300_000 }, () => {
  it("turns all eight orientations upright, with the same pixels", async () => {
    const made = await eachFile<Known, Uint8Array<ArrayBuffer>[]>("orientation", async (path, known, bytes) => {
      const { media } = await outcome(bytes);
      expect(media, path).toMatchObject({ state: "ready", width: known.displayWidth, height: known.displayHeight });
      return media ? renditions(media) : [];
    });
    expect(made).toHaveLength(8);
    for (const pictures of made) expect(pictures).toEqual(made[0]);
  });

  it("finds the upright size of every valid picture that it can decode", async () => {
    const look = async (path: string, known: Known, bytes: ArrayBuffer) => {
      const { code, media } = await outcome(bytes);
      if (code !== "ready") expect({ [path]: code }).toEqual({ [path]: NOT_READY[path] });
      else expect(media, path).toMatchObject({ width: known.displayWidth, height: known.displayHeight });
      return code;
    };
    const codes = await eachFile("images-valid", look, isSample);
    const ready = codes.filter((code) => code === "ready").length;
    if (IS_WHOLE) console.info("images-valid", { ready, notReady: codes.length - ready });
    expect(ready).toBeGreaterThanOrEqual(IS_WHOLE ? 262 : 25);
  });

  it("serves neither positions nor other metadata, and reports what was removed", async () => {
    const served = { located: 0, others: 0 };
    await eachFile<Known, void>("images-gps", async (path, { hasGps = false }, bytes) => {
      const { code, media } = await outcome(bytes);
      if (code !== "ready" || !media) {
        expect({ [path]: code }).toEqual({ [path]: NOT_READY[path] });
        return;
      }
      served[hasGps ? "located" : "others"] += 1;
      for (const picture of await renditions(media)) expectNoMetadata(picture, path);
      const { removed, thumbhash, ...details } = media.details ?? {};
      expect(removed?.includes("gps"), path).toBe(hasGps);
      expect(thumbhash, path).toBeDefined();
      expect(JSON.stringify(details), path).not.toMatch(/gps|latitude|longitude/i);
    });
    expect(served).toEqual({ located: 16, others: 9 });
  });
});

const renditions = ({ urls }: Media) =>
  Promise.all(
    Variant.options.map(async (variant) => {
      const response = await requestAs(undefined, urls?.[variant] ?? "", { headers: { accept: "image/webp" } });
      expect(response.status).toBe(200);
      return new Uint8Array(await response.arrayBuffer());
    }),
  );

/** A WebP file consists only of chunks, so one with picture chunks alone has no metadata. */
function expectNoMetadata(webp: Uint8Array<ArrayBuffer>, path: string) {
  for (const chunk of chunksOf(webp)) expect(["VP8 ", "VP8L", "VP8X", "ALPH"], path).toContain(chunk);
  expect(new TextDecoder("latin1").decode(webp), path).not.toMatch(/Exif\0|ns\.adobe\.com|GPSL/);
}

/** Returns the names of a WebP file's chunks: each has a name of 4 bytes, a length, and data of even length. */
function chunksOf(webp: Uint8Array<ArrayBuffer>): string[] {
  const view = new DataView(webp.buffer);
  const kinds: string[] = [];
  for (let at = 12; at < webp.byteLength;) {
    const length = view.getUint32(at + 4, true);
    kinds.push(new TextDecoder().decode(webp.slice(at, at + 4)));
    at += 8 + length + (length % 2);
  }
  return kinds;
}

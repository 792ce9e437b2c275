import { env } from "cloudflare:workers";
import ExifReader from "exifreader";
import { describe, expect, it } from "vitest";
import { type Media, Variant } from "../../../schema/api/media.ts";
import { databaseOf } from "../../../schema/shards.ts";
import { each, HAS_CORPUS, outcome } from "../../../tests/runtime/corpus.ts";
import { as } from "../../../tests/runtime/media.ts";

type Known = { format: string; displayWidth: number; displayHeight: number; hasGps?: boolean };

// Their authors cut these photographs short, and the decoder here (libvips) takes no part of a JPEG for the whole.
const CUT_OFF = "undecodable";
// The decoder here has none for HEVC, in which a HEIC picture is coded.
const HEIC = "undecodable";
// Of AVIF it takes no sequence ("avis").
const SEQUENCE = "corrupt";

describe.skipIf(!HAS_CORPUS)("pictures of other projects", { timeout: 120_000 }, () => {
  it("sets all eight orientations upright, to the same pixels", async () => {
    const made = await each<Known, ArrayBuffer[]>("orientation", async (path, known, bytes) => {
      const { media } = await outcome(bytes);
      expect(media, path).toMatchObject({ state: "ready", width: known.displayWidth, height: known.displayHeight });
      return media ? renditions(media) : [];
    });
    expect(made).toHaveLength(8);
    for (const pictures of made) expect(pictures).toEqual(made[0]);
  });

  it("knows the upright size of every valid picture that it can decode", async () => {
    const others: Record<string, string> = {};
    let right = 0;
    await each<Known, void>("images-valid", async (path, known, bytes) => {
      const { code, media } = await outcome(bytes);
      if (code !== "ready") others[path] = code;
      else if (media?.width === known.displayWidth && media.height === known.displayHeight) right += 1;
      else others[path] = `${media?.width}x${media?.height}, not ${known.displayWidth}x${known.displayHeight}`;
    });
    expect(others).toEqual({
      "images-valid/androidx/black_large.webp": "too_many_pixels", // 16,000 by 9,000.
      "images-valid/androidx/non-motion-photo-shortened.jpg": CUT_OFF,
      "images-valid/androidx/sample_still_photo.heic": HEIC,
      "images-valid/image-size/sample-multi.heic": HEIC,
      "images-valid/image-size/sample.heic": HEIC,
      "images-valid/image-size/sample.heif": HEIC,
      "images-valid/libavif/colors-animated-12bpc-keyframes-0-2-3.avif": SEQUENCE,
      "images-valid/libavif/colors-animated-8bpc.avif": SEQUENCE,
      "images-valid/mp4parse/loop_forever.avif": SEQUENCE,
    });
    expect(right).toBe(263);
  });

  it("serves no position, and no metadata at all", async () => {
    const others: Record<string, string> = {};
    const served = { located: 0, others: 0 };
    await each<Known, void>("images-gps", async (path, known, bytes) => {
      const { code, media } = await outcome(bytes);
      if (code !== "ready" || !media) {
        others[path] = code;
        return;
      }
      served[known.hasGps ? "located" : "others"] += 1;
      for (const picture of await renditions(media)) expectNoMetadata(picture, path);
      const row = await databaseOf(env, media.id).prepare("SELECT * FROM media WHERE id = ?").bind(media.id).first();
      expect(JSON.stringify(row), path).not.toMatch(/gps|latitude|longitude/i);
    });
    expect(others).toEqual({
      "images-gps/androidx/pixel-motion-photo-jfif-segment-shortened.jpg": CUT_OFF,
      "images-gps/androidx/pixel-motion-photo-shortened.jpg": CUT_OFF,
      "images-gps/androidx/sample_MP.heic": HEIC,
      "images-gps/androidx/ss-motion-photo-shortened.jpg": CUT_OFF,
      "images-gps/exifr/heic-iphone7.heic": HEIC,
      "images-gps/libavif/colors-animated-8bpc-alpha-exif-xmp.avif": SEQUENCE,
      "images-gps/pillow/ultrahdr.jpg": CUT_OFF,
    });
    expect(served).toEqual({ located: 16, others: 9 });
  });
});

const renditions = (media: Media) =>
  Promise.all(
    Variant.options.map(async (variant) => (await as(undefined, `/media/${media.id}/${variant}`)).arrayBuffer()),
  );

function expectNoMetadata(webp: ArrayBuffer, path: string) {
  for (const chunk of chunksOf(webp)) expect(["VP8 ", "VP8L", "VP8X", "ALPH"], path).toContain(chunk);
  expect(new TextDecoder("latin1").decode(webp), path).not.toMatch(/Exif\0|ns\.adobe\.com|GPSL/);
  const { exif, gps, xmp, iptc } = ExifReader.load(webp, { expanded: true });
  expect([exif, gps, xmp, iptc], path).toEqual([undefined, undefined, undefined, undefined]);
}

/** The kinds of the parts that a WebP file is made of: a name of 4 bytes, a length, and as many bytes, made even. */
function chunksOf(webp: ArrayBuffer): string[] {
  const view = new DataView(webp);
  const kinds: string[] = [];
  for (let at = 12; at < webp.byteLength;) {
    const length = view.getUint32(at + 4, true);
    kinds.push(new TextDecoder().decode(webp.slice(at, at + 4)));
    at += 8 + length + (length % 2);
  }
  return kinds;
}

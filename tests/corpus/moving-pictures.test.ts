/** Decodes moving pictures of other projects, and the copies that are served, in a browser: they show the same. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium } from "../product/harness/chromium.ts";
import { copied } from "../runtime/media/copied.ts";
import { MOVING } from "../runtime/media/moving-bytes.ts";
import { pictureType } from "../runtime/media/picture-bytes.ts";

const CORPUS = fileURLToPath(import.meta.resolve("../../../shared/corpus"));
const HAS_CORPUS = existsSync(CORPUS);
if (!HAS_CORPUS) console.warn("SKIPPED: ../shared/corpus is missing, so pictures of other projects are not tested");

/** The files with more than one frame, and how their inspection ends unless it keeps them moving. */
const FILES: Record<string, string> = {
  "images-broken/pillow/chunk_no_fdat.png": "corrupt",
  "images-broken/pillow/chunk_repeat_fctl.png": "corrupt",
  "images-broken/pillow/comment_after_last_frame.gif": "kept",
  "images-broken/pillow/missing_background.gif": "kept",
  "images-broken/pillow/no_palette.gif": "kept",
  "images-broken/pillow/no_palette_after_rgb.gif": "kept",
  "images-broken/pillow/no_palette_with_transparency.gif": "kept",
  "images-broken/pillow/no_palette_with_transparency_after_rgb.gif": "kept",
  "images-broken/pillow/sequence_repeat.png": "corrupt",
  "images-broken/pillow/test_extents.gif": "kept",
  "images-valid/pillow/blend_op_over.png": "kept",
  "images-valid/pillow/delay.png": "kept",
  "images-valid/pillow/different_durations.png": "kept",
  "images-valid/pillow/dispose_bgnd.gif": "kept",
  "images-valid/pillow/dispose_none.gif": "kept",
  "images-valid/pillow/dispose_op_background.png": "kept",
  "images-valid/pillow/mode_16bit.png": "kept",
  "images-valid/pillow/mode_palette.png": "kept",
  "images-valid/pillow/multiple_comments.gif": "kept",
  "images-valid/pillow/num_plays.png": "kept",
  "images-valid/pillow/sequence_start.png": "corrupt", // As a still it would be valid.
  "images-valid/sharp/animated-loop-3.gif": "kept",
  "images-valid/sharp/animated-loop-3.webp": "kept",
  "images-valid/sharp/big-height.webp": "kept",
  "images-valid/sharp/rotating-squares.gif": "kept",
  "images-valid/sharp/rotating-squares.webp": "kept",
};

let browser: Browser;
let page: Page;
beforeAll(async () => {
  browser = await launchChromium();
  page = await browser.newPage();
  // The decoder exists only in pages of secure origins.
  await page.route("https://pictures.test/", (route) => route.fulfill({ body: "<!doctype html>" }));
  await page.goto("https://pictures.test/");
});
afterAll(() => browser.close());

type Played = { error?: string; repetitions?: number; frames: { ms: number; pixels: string }[] };

/** Decodes all frames: how long each is shown, and a digest of its pixels. */
const played = (file: Uint8Array): Promise<Played> =>
  page.evaluate(
    async ({ data, type }) => {
      const frames: Played["frames"] = [];
      try {
        const decoder = new ImageDecoder({ data: Uint8Array.from(data), type });
        await Promise.all([decoder.completed, decoder.tracks.ready]);
        const track = decoder.tracks.selectedTrack;
        for (let frameIndex = 0; frameIndex < (track?.frameCount ?? 0); frameIndex += 1) {
          const { image } = await decoder.decode({ frameIndex });
          const pixels = new Uint8Array(image.allocationSize());
          await image.copyTo(pixels);
          const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", pixels));
          const size = `${image.displayWidth}x${image.displayHeight}`;
          frames.push({ ms: (image.duration ?? 0) / 1000, pixels: `${size} ${digest.join()}` });
          image.close();
        }
        return { repetitions: track?.repetitionCount ?? -1, frames };
      } catch (error) {
        return { error: String(error), frames };
      }
    },
    { data: [...file], type: pictureType(file) },
  );

it("decodes the pictures that other tests are made of", async () => {
  for (const file of Object.values(MOVING)) {
    const { error, repetitions, frames } = await played(file);
    expect([error, repetitions, frames.map(({ ms }) => ms)]).toEqual([undefined, Infinity, [120, 120, 120]]);
  }
});

describe.skipIf(!HAS_CORPUS)("moving pictures of other projects", () => {
  it.each(Object.entries(FILES))("%s: %s", async (path, end) => {
    const file = new Uint8Array(readFileSync(`${CORPUS}/${path}`));
    const copy = await copied(file);
    if (typeof copy === "string") {
      expect(copy).toBe(end);
      return;
    }
    expect(end).toBe("kept");
    expect(await played(copy)).toEqual(await played(file));
    expect((await played(copy)).frames.length).toBeGreaterThan(1);
    expect(await copied(copy)).toEqual(copy);
    expect(Buffer.from(copy).toString("latin1")).not.toMatch(/!\xfe|tEXt|zTXt|iTXt|eXIf|EXIF|XMP |x:xmpmeta|Exif\0/);
  });
});

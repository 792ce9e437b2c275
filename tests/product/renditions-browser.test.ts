/** Which renditions a real browser loads, by the screen and by the shape of a picture. */
import { encode } from "fast-png";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { renditionWidth, type SizedMedia, WIDTH_NAMES, type WidthName } from "../../schema/media/renditions.ts";
import { launchChromium } from "./harness/chromium.ts";
import { eventually } from "./harness/eventually.ts";
import { Product } from "./harness/product.ts";

let product: Product;
let browser: Browser;
let client: { post: (path: string, body: BodyInit, type: string) => Promise<{ id: string }>; token: string };

beforeAll(async () => {
  [product, browser] = await Promise.all([Product.start(), launchChromium()]);
  const signedUp = await fetch(`${product.address}/v1/people`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ handle: "ada", password: "correct horse battery", name: "Ada" }),
  });
  const { token } = (await signedUp.json()) as { token: string };
  const post = async (path: string, body: BodyInit, type: string) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": type };
    const response = await fetch(product.address + path, { method: "POST", headers, body });
    expect(response.status).toBe(201);
    return (await response.json()) as { id: string };
  };
  client = { post, token };
});
afterAll(async () => {
  await browser.close();
  await product.remove();
});

type Sample = (x: number, y: number) => number;

/** Publishes a picture, and returns the path of its post. */
async function published(width: number, height: number, sample: Sample): Promise<string> {
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1)
    data.fill(sample(pixel % width, Math.floor(pixel / width)), pixel * 3, pixel * 3 + 3);
  const file = new Uint8Array(encode({ width, height, data, channels: 3 }));
  const { id } = await client.post("/v1/media", file, "image/png");
  const headers = { authorization: `Bearer ${client.token}` };
  await eventually(async () => {
    const media = await (await fetch(`${product.address}/v1/media/${id}`, { headers })).json();
    expect(media).toMatchObject({ state: "ready" });
  }, 30_000);
  const body = JSON.stringify({ caption: "", media: [{ id }] });
  return `/posts/${(await client.post("/v1/posts", body, "application/json")).id}`;
}

/** Shows a post on a screen, and says what its picture has loaded and how it looks. */
async function shown(path: string, { width, height, density }: { width: number; height: number; density: number }) {
  const context = await browser.newContext({
    baseURL: product.address,
    viewport: { width, height },
    deviceScaleFactor: density,
  });
  try {
    const page = await context.newPage();
    await page.goto(path);
    const picture = page.locator("img.photograph");
    await picture.evaluate((image: HTMLImageElement) => image.decode());
    return await picture.evaluate((image: HTMLImageElement) => ({
      rendition: image.currentSrc.split("/").at(-1),
      width: image.getBoundingClientRect().width,
      height: image.getBoundingClientRect().height,
      rendering: getComputedStyle(image).imageRendering,
    }));
  } finally {
    await context.close();
  }
}

const LAPTOP = { width: 1280, height: 800, density: 1 };
const DENSE_LAPTOP = { ...LAPTOP, density: 2 };
const PHONE = { width: 390, height: 844, density: 3 };
/** Many shades, as in a photograph. */
const shades: Sample = (x, y) => (x * 3 + y * 5) & 255;

/** The smallest rendition that has all the pixels that a screen shows, of a screen of a phone four fifths; else the largest. */
function fitting(media: SizedMedia, shownWidth: number, density: number): WidthName {
  const needed = shownWidth * density * (density > 2.5 ? 0.8 : 1);
  const useful = WIDTH_NAMES.filter((name, place) => {
    const before = WIDTH_NAMES[place - 1];
    return before === undefined || renditionWidth(name, media) > renditionWidth(before, media);
  });
  return useful.find((name) => renditionWidth(name, media) >= needed - 1) ?? useful.at(-1) ?? "w320";
}

it.each([
  ["a photograph", 2400, 1600],
  ["a portrait, which is narrower than its frame", 1600, 2400],
  ["a panorama, whose renditions are wider than their names", 6000, 500],
  ["a comic strip, whose renditions are narrower than their names", 500, 5000],
  ["a picture that is narrower than the frame", 500, 400],
] as const)("loads of %s what the screen shows", async (_, width, height) => {
  const path = await published(width, height, shades);
  for (const screen of [LAPTOP, DENSE_LAPTOP, PHONE]) {
    const { rendition, ...box } = await shown(path, screen);
    const shownWidth = Math.min(box.width, (box.height * width) / height);
    expect(rendition).toBe(fitting({ width, height, isVideo: false }, shownWidth, screen.density));
  }
});

it("enlarges pixel art by a whole factor without smoothing it, and smooths a small photograph", async () => {
  const art = await published(48, 32, (x, y) => (((x >> 2) + (y >> 2)) % 2 ? 255 : 0));
  for (const screen of [LAPTOP, DENSE_LAPTOP, PHONE]) {
    const { width, height, rendering } = await shown(art, screen);
    expect(rendering).toBe("pixelated");
    expect(width).toBeGreaterThan(48);
    expect([width % 48, height % 32]).toEqual([0, 0]);
  }
  expect((await shown(await published(120, 80, shades), LAPTOP)).rendering).toBe("auto");
});

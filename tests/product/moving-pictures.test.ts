/** Moving pictures in a real browser: from the draft to the feed, where they move in view only and can be paused. */
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import {
  bytes,
  GIF_END,
  GIF_LOOPS_FOR_EVER,
  gifExtension,
  gifFrame,
  gifHead,
  le16,
} from "../runtime/media/picture-bytes.ts";
import { launchChromium } from "./harness/chromium.ts";
import { eventually } from "./harness/eventually.ts";
import { Product } from "./harness/product.ts";

const PASSWORD = "correct horse battery";
const SOON = 20_000;
const COLOURS = { red: [255, 0, 0], green: [0, 255, 0], blue: [0, 0, 255] };

let product: Product;
let browser: Browser;
/** Errors and warnings of the pages, including violations of the content security policy. */
let trouble: string[] = [];

beforeAll(async () => {
  [product, browser] = await Promise.all([Product.start(), launchChromium()]);
  await product.api.signUp({ handle: "ada", password: PASSWORD, name: "Ada" });
});
afterAll(async () => {
  await browser.close();
  await product.remove();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  const seen = trouble;
  trouble = [];
  expect(seen).toEqual([]);
});

/** Makes a GIF of one pixel, which is red, green and blue for 0.1 s each. */
function signal(): Buffer {
  const frames = Object.values(COLOURS).map((colour) => {
    const own = gifFrame.slice();
    own[9] = 0x80; // It has its own colours.
    const delay = gifExtension(0xf9, bytes(0, le16(10), 0));
    return bytes(delay, own.subarray(0, 10), ...colour, ...colour, own.subarray(10));
  });
  return Buffer.from(bytes(gifHead(1, 1), GIF_LOOPS_FOR_EVER, ...frames, GIF_END));
}

async function signedIn(motion: "no-preference" | "reduce"): Promise<{ page: Page; loads: string[] }> {
  const localStorage = [{ name: "signed-in", value: "yes" }];
  const context: BrowserContext = await browser.newContext({
    baseURL: product.address,
    reducedMotion: motion,
    viewport: { width: 390, height: 844 },
    storageState: { cookies: [], origins: [{ origin: product.address, localStorage }] },
  });
  await context.request.post("/v1/sessions", { data: { handle: "ada", password: PASSWORD } });
  const page = await context.newPage();
  page.setDefaultTimeout(SOON);
  page.on("pageerror", (error) => trouble.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") trouble.push(message.text());
  });
  const loads: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/moving")) loads.push(request.url());
  });
  return { page, loads };
}

/** Returns the colours that the middle of a picture has within a second. */
async function colours(page: Page, picture: Locator): Promise<Set<string>> {
  const seen = new Set<string>();
  const end = Date.now() + 1000;
  while (Date.now() < end) seen.add(await colourOf(page, await picture.screenshot()));
  return seen;
}

/** Returns the name of the colour in the middle of a screenshot. */
const colourOf = (page: Page, screenshot: Buffer): Promise<string> =>
  page.evaluate(
    async ({ png, named }) => {
      const picture = await createImageBitmap(new Blob([Uint8Array.from(png)], { type: "image/png" }));
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      canvas?.drawImage(picture, -picture.width / 2, -picture.height / 2);
      const [red = 0, green = 0, blue = 0] = canvas?.getImageData(0, 0, 1, 1).data ?? [];
      const distance = (colour: number[]) =>
        Math.max(...[red, green, blue].map((value, channel) => Math.abs(value - (colour[channel] ?? 0))));
      return Object.entries(named).find(([, colour]) => distance(colour) < 60)?.[0] ?? `${red},${green},${blue}`;
    },
    { png: [...screenshot], named: COLOURS },
  );

async function publish(page: Page): Promise<void> {
  await page.goto("/new");
  await page.getByLabel("Choose photos").setInputFiles({ name: "signal.gif", mimeType: "image/gif", buffer: signal() });
  await page.getByText("Photo: ready").waitFor();
  await page.getByText("Moves, 3 frames.").waitFor();
  expect((await colours(page, page.locator(".draft-picture"))).size).toBeGreaterThan(1);
  await page.getByLabel("Describe it").fill("A signal");
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByRole("article").waitFor();
}

it("moves in the feed while it is in view, until it is paused by keyboard", async () => {
  const { page, loads } = await signedIn("no-preference");
  await publish(page);
  const album = page.getByRole("article").locator(".album");
  await eventually(async () => expect((await colours(page, album)).size).toBeGreaterThan(1), SOON);
  expect(loads.length).toBe(1);

  const pause = page.getByRole("button", { name: "Pause: A signal" });
  await pause.focus();
  await page.keyboard.press("Enter");
  const play = page.getByRole("button", { name: "Play: A signal" });
  await play.waitFor();
  expect(await play.evaluate((button) => button === document.activeElement)).toBe(true);
  expect(await colours(page, album)).toEqual(new Set(["red"]));
  await page.keyboard.press("Space");
  await eventually(async () => expect((await colours(page, album)).size).toBeGreaterThan(1), SOON);

  await page.evaluate(() => {
    document.body.style.paddingBottom = "300vh";
    scrollTo(0, innerHeight * 2);
  });
  await page.locator(".moving img").waitFor({ state: "detached" });
  await page.evaluate(() => scrollTo(0, 0));
  await page.locator(".moving img").waitFor();
});

it("shows the still where less motion is asked for, until it is played", async () => {
  const { page, loads } = await signedIn("reduce");
  await page.goto("/people/ada");
  await page.getByRole("link", { name: "A signal" }).click();
  const play = page.getByRole("button", { name: "Play: A signal" });
  await play.waitFor();
  const album = page.locator(".album");
  await page.getByAltText("A signal").evaluate((image: HTMLImageElement) => image.decode());
  expect(await colours(page, album)).toEqual(new Set(["red"]));
  expect(loads).toEqual([]);
  await play.click();
  await eventually(async () => expect((await colours(page, album)).size).toBeGreaterThan(1), SOON);
});

it("does not move before it is uploaded where less motion is asked for, until it is played", async () => {
  const { page } = await signedIn("reduce");
  await page.route("**/v1/media", () => undefined); // Never answered.
  await page.goto("/new");
  await page.getByLabel("Choose photos").setInputFiles({ name: "signal.gif", mimeType: "image/gif", buffer: signal() });
  const [preview, play] = [page.locator(".draft-picture"), page.getByRole("button", { name: "Play: Photo" })];
  await play.waitFor();
  expect((await colours(page, preview)).size).toBe(1);
  await play.click();
  await eventually(async () => expect((await colours(page, preview)).size).toBeGreaterThan(1), SOON);
});

it("says before publishing that only the first frame will be shown, and why", async () => {
  const { page } = await signedIn("no-preference");
  await page.goto("/new");
  const frames = signal().subarray(0, -1);
  const [head, body] = [frames.subarray(0, 38), frames.subarray(38)];
  const long = Buffer.concat([head, ...Array.from({ length: 400 }, () => body), GIF_END]);
  await page.getByLabel("Choose photos").setInputFiles({ name: "long.gif", mimeType: "image/gif", buffer: long });
  await page
    .getByText("This picture moves. Only its first frame will be shown, because it has more than 1,000")
    .waitFor();
  const preview = page.locator(".draft-picture");
  await preview.locator("img").evaluate((image: HTMLImageElement) => image.decode());
  expect(await colours(page, preview)).toEqual(new Set(["red"]));
});

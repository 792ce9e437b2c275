/** Videos, and files that cannot be used, in a real browser against the running product. */
import type { Browser, BrowserContext, Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { heif, ispe } from "../runtime/media/picture-bytes.ts";
import { launchChromium } from "./harness/chromium.ts";
import { eventually } from "./harness/eventually.ts";
import { Product } from "./harness/product.ts";

const PASSWORD = "correct horse battery";
const SOON = 20_000;

let product: Product;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** Errors and warnings of the page, including violations of its content security policy. */
let trouble: string[] = [];

beforeAll(async () => {
  [product, browser] = await Promise.all([Product.start(), launchChromium()]);
  const localStorage = [{ name: "signed-in", value: "yes" }];
  context = await browser.newContext({
    baseURL: product.address,
    storageState: { cookies: [], origins: [{ origin: product.address, localStorage }] },
  });
  await context.request.post("/v1/people", { data: { handle: "ada", password: PASSWORD, name: "Ada" } });
  page = await context.newPage();
  page.setDefaultTimeout(SOON);
  page.on("pageerror", (error) => trouble.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") trouble.push(message.text());
  });
});
afterAll(async () => {
  await browser.close();
  await product.remove();
});
afterEach(() => {
  const seen = trouble;
  trouble = [];
  expect(seen).toEqual([]);
});

type Picked = { name: string; mimeType: string; buffer: Buffer };

async function pick(...files: Picked[]): Promise<void> {
  await page.goto("/new");
  await page.getByLabel("Choose photos").setInputFiles(files);
}

it("uploads a video across a lost connection, publishes it with a poster, and plays it on demand", async () => {
  await page.route("**/v1/uploads/*", loseConnection, { times: 1 });
  await pick({ name: "circle.webm", mimeType: "video/webm", buffer: await recorded() });
  await page.getByText("Video: waiting for a connection").waitFor();
  await context.setOffline(false);
  await page.getByLabel("Describe it").fill("A circle that grows");
  await page.getByText("Video: ready").waitFor();
  await page.getByText("File details").click();
  await page.getByText("WebM,").waitFor();
  await page.getByRole("button", { name: "Publish" }).click();

  const video = page.getByRole("article").locator("video");
  await video.waitFor();
  const ranges: number[] = [];
  page.on("response", (response) => {
    if (response.request().resourceType() === "media") ranges.push(response.status());
  });
  expect(await shapeOfCover()).toBeCloseTo(4 / 3);
  expect(ranges).toEqual([]); // Nothing of a video is loaded before it is played.
  await page.getByRole("button", { name: "Play: A circle that grows" }).click();
  await eventually(async () => {
    expect(await video.evaluate((element: HTMLVideoElement) => element.currentTime)).toBeGreaterThan(0);
  }, SOON);
  expect(ranges[0]).toBe(206);

  await page.goto("/people/ada");
  await page.getByRole("link", { name: "A circle that grows" }).getByText("0:01").waitFor();
  trouble = trouble.filter((message) => !message.includes("net::ERR_")); // The browser logs that it was offline.
});

async function loseConnection(route: Route): Promise<void> {
  await context.setOffline(true);
  await route.abort("connectionfailed");
}

it("continues a video with a new URL when the old one has expired", async () => {
  const [post] = (await product.api.postsOf("ada")).items;
  const late = await context.newPage();
  await late.clock.install();
  let reads = 0;
  await late.route(`**/v1/posts/${post?.id}`, async (route) => {
    reads += 1;
    const response = await route.fetch();
    const read = (await response.text()).replaceAll("/video", `/video?read=${reads}`);
    await route.fulfill({ response, body: read });
  });
  await late.route("**/video?read=1", (route) => route.fulfill({ status: 403 }));
  await late.goto(`/posts/${post?.id}`);
  const play = late.getByRole("button", { name: "Play: A circle that grows" });
  await play.waitFor();
  await late.clock.fastForward("10:00");
  await play.click();
  await eventually(async () => {
    expect(await late.locator("video").evaluate((video: HTMLVideoElement) => video.currentTime)).toBeGreaterThan(0);
  }, SOON);
  expect(reads).toBe(2);
  await late.close();
});

/** A second of an animated canvas, recorded by the browser itself: VP8 is the one codec it can always encode. */
async function recorded(): Promise<Buffer> {
  const bytes = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    canvas.width = 160;
    canvas.height = 120;
    const pencil = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm;codecs=vp8" });
    const chunks: Blob[] = [];
    recorder.ondataavailable = ({ data }) => chunks.push(data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    for (let radius = 1; radius <= 20; radius++) {
      pencil?.fillRect(radius * 5, radius * 4, radius, radius);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    recorder.stop();
    await stopped;
    return [...new Uint8Array(await new Blob(chunks).arrayBuffer())];
  });
  return Buffer.from(bytes);
}

const shapeOfCover = () =>
  page
    .getByRole("article")
    .locator("img")
    .evaluate(async (image: HTMLImageElement) => {
      await image.decode();
      return image.naturalWidth / image.naturalHeight;
    });

it("explains why a file was rejected, after its upload or before", async () => {
  const header = "89504e470d0a1a0a0000000d49484452000001000000010008020000";
  const broken = Buffer.concat([Buffer.from(header, "hex"), Buffer.alloc(900, 7)]);
  await pick(
    { name: "broken.png", mimeType: "image/png", buffer: broken },
    { name: "empty.jpg", mimeType: "image/jpeg", buffer: Buffer.alloc(0) },
  );
  await page.getByRole("alert").filter({ hasText: "Photo 1: The file is damaged" }).waitFor();
  await page.getByRole("alert").filter({ hasText: "Photo 2: The file is empty." }).waitFor();
  expect(await page.getByRole("button", { name: "Publish" }).isDisabled()).toBe(true);
});

/** A HEIC whose header is right. No decoder here reads HEIC. */
const HEIC = Buffer.from(
  heif([{ id: 1, type: "hvc1", data: new Uint8Array(40), properties: [ispe(64, 48)] }], { brand: "heic" }),
);
const heic = (name: string): Picked => ({ name, mimeType: "image/heic", buffer: HEIC });

it("says what to do with a HEIC that neither the server nor the browser can read", async () => {
  await pick(heic("photo.heic"));
  await page.getByRole("alert").filter({ hasText: "Save it as JPEG" }).waitFor();
});

it("converts a HEIC that only the browser can read, and the next ones before they are sent", async () => {
  const safari = await context.newPage();
  safari.setDefaultTimeout(SOON);
  await safari.addInitScript(() => {
    const original = window.createImageBitmap.bind(window);
    const picture = () => {
      const canvas = new OffscreenCanvas(64, 48);
      canvas.getContext("2d")?.fillRect(8, 8, 20, 20);
      return canvas;
    };
    window.createImageBitmap = (source: ImageBitmapSource) =>
      original(source instanceof File && source.type === "image/heic" ? picture() : source);
  });
  const sent: string[] = [];
  safari.on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith("/v1/media"))
      sent.push(request.headers()["content-type"] ?? "");
  });
  await safari.goto("/new");
  await safari.getByLabel("Choose photos").setInputFiles([heic("first.heic")]);
  await safari.getByText("Photo: ready").waitFor();
  await safari.getByText("Your browser made a JPEG of it").waitFor();
  expect(sent).toEqual(["image/heic", "image/jpeg"]);
  await safari.getByLabel("Add another").setInputFiles([heic("second.heic")]);
  await safari.getByText("Photo 2: ready").waitFor();
  expect(sent).toEqual(["image/heic", "image/jpeg", "image/jpeg"]);
  await safari.getByText("File details").first().click();
  await safari.getByText("64 × 48 pixels").first().waitFor();
  await safari.close();
});

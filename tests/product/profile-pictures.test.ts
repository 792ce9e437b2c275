/** Profile pictures in a real browser: choosing one by keyboard, where it is shown, and removing it again. */
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import { launchChromium } from "./harness/chromium.ts";
import { Product, runToEnd } from "./harness/product.ts";

const PASSWORD = "correct horse battery";
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 3 };
const LAPTOP = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 };
const PHOTO = {
  name: "boats.jpg",
  mimeType: "image/jpeg",
  buffer: Buffer.from(readPhotograph("nagasaki-boats")),
};

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

async function signedIn(handle: string, screen: Parameters<Browser["newContext"]>[0]): Promise<Page> {
  const localStorage = [{ name: "signed-in", value: "yes" }];
  const context: BrowserContext = await browser.newContext({
    ...screen,
    baseURL: product.address,
    storageState: { cookies: [], origins: [{ origin: product.address, localStorage }] },
  });
  await context.request.post("/v1/sessions", { data: { handle, password: PASSWORD } });
  const page = await context.newPage();
  page.on("pageerror", (error) => trouble.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") trouble.push(message.text());
  });
  return page;
}

/** Returns which rendition a picture shows, once it is there. */
async function shown(picture: Locator): Promise<string> {
  await picture.waitFor();
  const source = await picture.evaluate(async (image: HTMLImageElement) => {
    await image.decode();
    return image.currentSrc;
  });
  return source.split("/").at(-1) ?? "";
}

const expectNoOverflow = async (page: Page) => {
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(content).toBe(screen);
};

it.each([
  ["by touch on a phone", PHONE],
  ["by keyboard on a laptop", LAPTOP],
] as const)("is chosen, shown and removed, %s", async (_, screen) => {
  const page = await signedIn("ada", screen);
  await page.goto("/settings");
  const section = page.locator("section").filter({ hasText: "Profile picture" });
  const input = page.getByLabel("Choose a photo");
  const chooser = page.waitForEvent("filechooser");
  if (screen === PHONE) await page.getByText("Choose a photo").tap();
  else {
    await input.focus();
    await page.keyboard.press("Enter");
  }
  await (await chooser).setFiles({ name: "notes.webm", mimeType: "video/webm", buffer: Buffer.from("no photo") });
  await page.getByText("Choose a photo, not a video.").waitFor();
  await input.setInputFiles(PHOTO);
  await section.locator("img").waitFor(); // The preview, or the picture itself already.
  await page.getByText("Your profile picture is changed").waitFor();
  await page.getByLabel("Change photo").waitFor();
  expect(await shown(section.locator("img"))).toBe("s192");
  expect(await shown(page.getByRole("link", { name: "Your profile" }).locator("img"))).toBe("s96");
  expect(await section.locator("img").getAttribute("alt")).toBe("");
  await expectNoOverflow(page);
  await page.goto("/people/ada");
  expect(await shown(page.locator(".profile-head img"))).toBe("s192");
  await expectNoOverflow(page);

  await page.goto("/settings");
  await page.getByRole("button", { name: "Remove photo" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Your profile picture is removed").waitFor();
  await page.getByLabel("Choose a photo").waitFor();
  expect(await page.locator("img.portrait").count()).toBe(0);
  await page.reload();
  await page.getByRole("link", { name: "Your profile" }).getByText("A").waitFor();
  expect(await page.locator("img.portrait").count()).toBe(0);
});

it("says why a file cannot be used, and shows the letter of a name while a picture is gone", async () => {
  const page = await signedIn("ada", PHONE);
  await page.goto("/settings");
  await page.getByLabel("Choose a photo").setInputFiles({
    name: "broken.jpg",
    mimeType: "image/jpeg",
    buffer: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
  });
  await page.getByRole("alert").filter({ hasText: "Photo:" }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.route("**/s96", (route) => route.fulfill({ status: 404 }));
  await page.route("**/s192", (route) => route.fulfill({ status: 404 }));
  await page.getByLabel("Choose a photo").setInputFiles(PHOTO);
  await page.getByText("Your profile picture is changed").waitFor();
  await page.getByRole("link", { name: "Your profile" }).getByText("A").waitFor();
  trouble = trouble.filter((message) => !message.includes("404")); // The browser logs that.
});

it("lets a moderator remove one", async () => {
  const { api } = product;
  const bad = api.as(await api.signUp({ handle: "bad", password: PASSWORD, name: "Bad" }));
  await api.signUp({ handle: "judge", password: PASSWORD, name: "Judge" });
  const { id } = await bad.upload(readPhotograph("dust-bowl-home"));
  await bad.untilInspected(id);
  await bad.setPicture(id);
  await runToEnd("scripts/admin.ts", "role", "judge", "moderator", "--state", product.state);
  const page = await signedIn("judge", LAPTOP);
  const report = await page.request.post("/v1/reports", {
    headers: { origin: product.address },
    data: { person: "bad", reason: "sexual" },
  });
  expect(report.status(), await report.text()).toBe(202);
  await page.goto("/moderation");
  const entry = page.getByRole("listitem", { name: "Case about the account of Bad" });
  expect(await shown(entry.locator("figure img"))).toBe("s192");
  await entry.getByRole("button", { name: "Remove picture" }).click();
  await page.getByLabel("Reason").fill("Not a face");
  await page.getByRole("dialog").getByRole("button", { name: "Remove picture" }).click();
  await page.getByText("Removed").waitFor();
  await entry.getByRole("button", { name: "Remove picture" }).waitFor({ state: "detached" });
  expect((await api.person("bad")).picture).toBeUndefined();
  trouble = trouble.filter((message) => !message.includes("404"));
});

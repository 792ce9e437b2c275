/** The settings in a real browser: devices, password, recovery codes and handle. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { launchChromium } from "./harness/chromium.ts";
import { Product } from "./harness/product.ts";

const PASSWORD = "correct horse battery";
const NEW_PASSWORD = "a paper clip and a lamp";
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

let product: Product;
let browser: Browser;

beforeAll(async () => {
  [product, browser] = await Promise.all([Product.start(), launchChromium()]);
});
afterAll(async () => {
  await browser.close();
  await product.remove();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

async function visit(path: string): Promise<Page> {
  const page = await (await browser.newContext({ baseURL: product.address, ...PHONE })).newPage();
  await page.goto(path);
  return page;
}

async function signIn(handle: string, password: string): Promise<Page> {
  const page = await visit("/sign-in");
  await page.getByLabel("Handle").fill(handle);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  return page;
}

it("says why a password is too weak, and accepts a better one", async () => {
  const page = await visit("/sign-up");
  await page.getByLabel("Handle").fill("nadia_k");
  const password = page.getByLabel("Password");
  for (const [weak, reason] of [
    ["short", "Use at least 8 characters"],
    ["12345678", "Don’t use a sequence"],
    ["nadia_k1", "Don’t use your handle"],
  ] as const) {
    await password.fill(weak);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("alert").filter({ hasText: reason }).waitFor();
  }
  await password.fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
});

it("shows the devices, reports a new one, and signs others out with a new password", async () => {
  await product.api.signUp({ handle: "petra", password: PASSWORD, name: "Petra" });
  const [laptop, phone] = [await signIn("petra", PASSWORD), await signIn("petra", PASSWORD)];
  await laptop.goto("/notifications");
  await laptop.getByRole("link", { name: "New sign-in to your account" }).first().click();
  await laptop.waitForURL("**/settings/security");
  const devices = laptop.getByRole("listitem").filter({ hasText: "Signed in" });
  await devices.filter({ hasText: "This device" }).waitFor();
  await expect.poll(() => devices.count()).toBeGreaterThan(1);

  await laptop
    .getByRole("button", { name: /^Sign out Chrome/ })
    .first()
    .click();
  await laptop.getByText("is signed out").waitFor();

  await laptop.getByLabel("Current password").fill("not my password");
  await laptop.getByLabel("New password").fill(NEW_PASSWORD);
  await laptop.getByRole("button", { name: "Change password" }).click();
  await laptop.getByRole("alert").filter({ hasText: "current password is wrong" }).waitFor();
  await laptop.getByLabel("Current password").fill(PASSWORD);
  await laptop.getByRole("button", { name: "Change password" }).click();
  await laptop.getByText("Your other devices are signed out").waitFor();
  await expect.poll(() => devices.count()).toBe(1);
  await phone.goto("/settings");
  await phone.waitForURL("**/sign-in?then=*");
  const width = await laptop.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(width[0]).toBe(width[1]);
});

it("shows recovery codes once, and lets one replace a forgotten password", async () => {
  await product.api.signUp({ handle: "quinn", password: PASSWORD, name: "Quinn" });
  const page = await signIn("quinn", PASSWORD);
  await page.goto("/settings/security");
  await page.getByText("You have no recovery codes").waitFor();
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Make codes" }).click();
  const codes = page.getByRole("list", { name: "Your recovery codes" });
  await codes.waitFor();
  expect(await codes.getByRole("listitem").count()).toBe(10);
  const code = (await codes.getByRole("listitem").first().textContent()) ?? "";
  await page.reload();
  await page.getByText("10 codes left").waitFor();
  expect(await codes.count()).toBe(0);

  const other = await visit("/sign-in");
  await other.getByRole("link", { name: "Forgot your password?" }).click();
  await other.getByLabel("Handle").fill("quinn");
  await other.getByLabel("Recovery code").fill(code);
  await other.getByLabel("New password").fill(NEW_PASSWORD);
  await other.getByRole("button", { name: "Save and sign in" }).click();
  await other.getByRole("navigation", { name: "Main" }).waitFor();
  await page.goto("/settings");
  await page.waitForURL("**/sign-in?then=*");
});

it("changes the handle, and leads from the former one to the profile", async () => {
  await product.api.signUp({ handle: "rosa", password: PASSWORD, name: "Rosa" });
  const page = await signIn("rosa", PASSWORD);
  await page.goto("/settings");
  await page.getByLabel("Handle").fill("admin");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").filter({ hasText: "Choose another one" }).waitFor();
  await page.getByLabel("Handle").fill("rosa_new");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  const other = await visit("/people/rosa");
  await other.waitForURL("**/people/rosa_new");
  await other.getByRole("heading", { name: "Rosa" }).waitFor();
});

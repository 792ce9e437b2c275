/** Passkeys in a real browser, with an authenticator that the browser simulates. */
import type { Browser, BrowserContextOptions, CDPSession, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { launchChromium } from "./harness/chromium.ts";
import { Product } from "./harness/product.ts";

const PASSWORD = "correct horse battery";
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const LAPTOP = { viewport: { width: 1280, height: 800 } };

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

/** A page and its authenticator, which confirms nothing at first. */
class Device {
  readonly page: Page;
  readonly #protocol: CDPSession;
  readonly #id: string;

  private constructor(page: Page, protocol: CDPSession, id: string) {
    this.page = page;
    this.#protocol = protocol;
    this.#id = id;
  }

  static async open(options: BrowserContextOptions, path = "/sign-in"): Promise<Device> {
    const page = await (await browser.newContext({ baseURL: product.address, ...options })).newPage();
    const protocol = await page.context().newCDPSession(page);
    await protocol.send("WebAuthn.enable", { enableUI: false });
    const { authenticatorId } = await protocol.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: false,
      },
    });
    const device = new Device(page, protocol, authenticatorId);
    await page.goto(path);
    return device;
  }

  /** Whether the person confirms at once what the authenticator is asked for from now on, or leaves it waiting. */
  confirms = (enabled: boolean) =>
    this.#protocol.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: this.#id, enabled });

  /** Whether the authenticator recognizes its person. */
  recognizes = (isUserVerified: boolean) =>
    this.#protocol.send("WebAuthn.setUserVerified", { authenticatorId: this.#id, isUserVerified });

  async credentials(): Promise<number> {
    return (await this.#protocol.send("WebAuthn.getCredentials", { authenticatorId: this.#id })).credentials.length;
  }
}

async function signIn({ page }: Device, handle: string): Promise<void> {
  await page.getByLabel("Handle").fill(handle);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
}

async function addPasskey({ page }: Device): Promise<void> {
  await page.goto("/settings/security");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("dialog").getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("Passkey added").waitFor();
}

async function signOut({ page }: Device): Promise<void> {
  await page.context().clearCookies();
  await page.evaluate(() => localStorage.clear());
  await page.goto("/sign-in");
}

const passkeys = ({ page }: Device) => page.getByRole("listitem").filter({ hasText: "Added" });

async function fits({ page }: Device): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
}

it.each([
  ["a phone", PHONE],
  ["a laptop", LAPTOP],
])("adds a passkey on %s, signs in with it, renames and removes it", async (_, options) => {
  const handle = options === PHONE ? "wanda" : "walter";
  await product.api.signUp({ handle, password: PASSWORD, name: "Wanda" });
  const device = await Device.open(options);
  const { page } = device;
  const refused: string[] = [];
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) refused.push(message.text());
  });
  await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
  expect(await fits(device)).toBe(true);
  await signIn(device, handle);
  await device.confirms(true);

  await page.goto("/settings/security");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("dialog").getByLabel("Your password").fill("not my password");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("alert").filter({ hasText: "Your password is wrong" }).waitFor();
  await page.getByRole("dialog").getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("Passkey added").waitFor();
  const row = passkeys(device);
  await row.filter({ hasText: "Never used" }).waitFor();
  expect(await fits(device)).toBe(true);

  // The same device again is refused by the browser, in words for people.
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("dialog").getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("alert").filter({ hasText: "already has a passkey" }).waitFor();
  await page.keyboard.press("Escape");
  expect([await device.credentials(), await row.count()]).toEqual([1, 1]);

  // The authenticator confirms the first suggestion at once.
  await signOut(device);
  await page.getByRole("navigation", { name: "Main" }).waitFor();

  await page.goto("/settings/security");
  await row.filter({ hasText: "Used" }).waitFor();
  // By keyboard.
  await row.getByRole("button", { name: /^More about/ }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel("Name").fill("Blue key");
  await page.keyboard.press("Enter");
  await row.filter({ hasText: "Blue key" }).waitFor();
  await page.getByRole("button", { name: "More about Blue key" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByText("Blue key is removed").waitFor();
  await expect.poll(() => row.count()).toBe(0);
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe("Add a passkey");

  // The authenticator still offers it, and the API says what to do.
  await signOut(device);
  await page.getByRole("alert").filter({ hasText: "Use another one, or your password" }).waitFor();
  expect(refused).toEqual([]);
});

it("signs in by the button, and takes a cancelled dialog for no error", async () => {
  await product.api.signUp({ handle: "xenia", password: PASSWORD, name: "Xenia" });
  const device = await Device.open(PHONE);
  const { page } = device;
  // Without suggestions, as in browsers that make none.
  await page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false);
  });
  await page.goto("/sign-in");
  await signIn(device, "xenia");
  await device.confirms(true);
  await addPasskey(device);
  await signOut(device);
  await device.recognizes(false);
  const button = page.getByRole("button", { name: "Sign in with a passkey" });
  await button.click();
  await expect.poll(() => button.getAttribute("aria-disabled")).toBe("false");
  expect(await page.getByRole("alert").allTextContents()).toEqual(
    expect.not.arrayContaining([expect.stringMatching(/./)]),
  );
  await device.recognizes(true);
  await button.click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
});

it("offers to remove passkeys with a new password, and shows nothing of them without WebAuthn", async () => {
  await product.api.signUp({ handle: "yara", password: PASSWORD, name: "Yara" });
  const device = await Device.open(LAPTOP);
  const { page } = device;
  await signIn(device, "yara");
  await page.goto("/settings/security");
  await page.getByRole("heading", { name: "Passkeys" }).waitFor();
  const offer = page.getByLabel("Remove my passkeys too");
  expect(await offer.count()).toBe(0);
  await device.confirms(true);
  await addPasskey(device);
  await offer.check();
  await page.getByLabel("Current password").fill(PASSWORD);
  await page.getByLabel("New password").fill("a paper clip and a lamp");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Password changed").waitFor();
  await expect.poll(() => passkeys(device).count()).toBe(0);

  await page.addInitScript(() => Reflect.deleteProperty(globalThis, "PublicKeyCredential"));
  await page.goto("/settings/security");
  await page.getByRole("heading", { name: "Recovery codes" }).waitFor();
  expect(await page.getByText("passkey").count()).toBe(0);
  await signOut(device);
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  expect(await page.getByText("passkey").count()).toBe(0);
});

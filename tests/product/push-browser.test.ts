/**
 * Pushes in a real browser: the switch in the settings, and the service worker. The browser's own push service is a
 * third party's server, so subscriptions point to one on this machine, and the browser's debugging protocol hands what
 * arrives there to the service worker. Everything in between is real.
 */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { PushPayload } from "../../schema/api/push.ts";
import type { Api } from "../../scripts/api-client.ts";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import { launchChromium } from "./harness/chromium.ts";
import { eventually } from "./harness/eventually.ts";
import { Product } from "./harness/product.ts";
import { PushService } from "./harness/push-service.ts";

const PASSWORD = "correct horse battery";
const SOON = 20_000;

let service: PushService;
let product: Product;
let browser: Browser;
beforeAll(async () => {
  service = await PushService.start();
  [product, browser] = await Promise.all([Product.start({ config: service.config }), launchChromium()]);
});
afterAll(async () => {
  await browser.close();
  await product.remove();
  await service.stop();
});

const signUp = async (handle: string): Promise<Api> =>
  product.api.as(await product.api.signUp({ handle, password: PASSWORD, name: handle.toUpperCase() }));

async function signIn(context: BrowserContext, handle: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(SOON);
  await page.goto("/sign-in");
  await page.getByLabel("Handle").fill(handle);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  return page;
}

/** What the stubbed browser grants: headless browsers have no push service and allow no notifications. */
type Grants = { permission: NotificationPermission; subscription: object };

/** Runs in each page before its own scripts. Its state outlives the page, as the browser's own would. */
function stubPush({ permission, subscription }: Grants): void {
  const kept = (name: string) => localStorage.getItem(`browser-${name}`);
  const keep = (name: string, value: string | null) =>
    value === null ? localStorage.removeItem(`browser-${name}`) : localStorage.setItem(`browser-${name}`, value);
  const subscribed = () => {
    const key = kept("key");
    if (key === null) return null;
    const base64 = key.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return {
      ...subscription,
      options: { applicationServerKey: bytes.buffer },
      toJSON: () => subscription,
      unsubscribe: () => Promise.resolve(keep("key", null)),
    };
  };
  Object.defineProperty(Notification, "permission", { get: () => kept("permission") ?? "default" });
  Notification.requestPermission = () => {
    keep("permission", permission);
    return Promise.resolve(permission);
  };
  Object.assign(PushManager.prototype, {
    getSubscription: () => Promise.resolve(subscribed()),
    subscribe: ({ applicationServerKey }: PushSubscriptionOptionsInit) => {
      keep("key", applicationServerKey as string);
      return Promise.resolve(subscribed());
    },
  });
}

/** The calls of the service worker, recorded because a headless browser refuses them. */
type Recorded = typeof globalThis & { shown: Shown[]; opened: string[] };
type Shown = NotificationOptions & { title: string; renotify: boolean; data: PushPayload };

function record(): void {
  const worker = self as unknown as Recorded & { registration: object; clients: object };
  worker.shown = [];
  worker.opened = [];
  Object.assign(worker.registration, {
    getNotifications: ({ tag }: { tag: string }) =>
      Promise.resolve(worker.shown.filter((shown) => shown.tag === tag).slice(-1)),
    showNotification: (title: string, options: Omit<Shown, "title">) =>
      Promise.resolve(void worker.shown.push({ ...options, title })),
  });
  Object.assign(worker.clients, { openWindow: (url: string) => Promise.resolve(void worker.opened.push(url)) });
}

/** Returns a function that delivers a push to the page's service worker, over the debugging protocol. */
async function pushChannel(context: BrowserContext, page: Page) {
  const protocol = await context.newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    protocol.on("ServiceWorker.workerRegistrationUpdated", ({ registrations: [first] }) => {
      if (first) resolve(first.registrationId);
    });
  });
  await protocol.send("ServiceWorker.enable");
  const registrationId = await registered;
  const { origin } = new URL(product.address);
  return (data: string) => protocol.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data });
}

const push = (page: Page) => page.getByRole("switch", { name: "Push notifications" });

it("notifies a device once its switch is on, opens clicked notifications, and ends with the session", async () => {
  const [author, reader] = [await signUp("host"), await signUp("guest")];
  const { id } = await author.upload(readPhotograph("nagasaki-boats"));
  await author.untilInspected(id);
  const post = await author.publish({ caption: "Boats", media: [{ id }] });
  const other = await author.publish({ caption: "The same boats", media: [{ id }] });
  const device = service.browser();
  const context = await browser.newContext({ baseURL: product.address });
  await context.addInitScript<Grants>(stubPush, { permission: "granted", subscription: device.subscription });
  const page = await signIn(context, "host");
  await page.goto("/settings/notifications");
  await push(page).and(page.locator(":enabled")).waitFor();
  expect(await push(page).isChecked()).toBe(false);
  expect(await page.evaluate(() => Notification.permission)).toBe("default"); // The page has not asked for it.

  const [worker] = await Promise.all([context.waitForEvent("serviceworker"), push(page).click()]);
  await push(page).and(page.locator(":checked")).waitFor();
  await page.reload();
  await push(page).and(page.locator(":checked")).waitFor();
  await worker.evaluate(record);
  const deliver = await pushChannel(context, page);

  await reader.comment(post.id, "Which river is this?");
  await eventually(() => Promise.resolve(expect(service.arrived).toHaveLength(1)), SOON);
  const payload = service.arrived[0]?.payload as PushPayload;
  const older = { ...payload, version: payload.version - 1, title: "Of yesterday" };
  for (const data of [JSON.stringify(payload), JSON.stringify(payload), JSON.stringify(older), "{"])
    await deliver(data);
  const shown = () => worker.evaluate(() => (self as unknown as Recorded).shown);
  await eventually(async () => expect(await shown()).toHaveLength(4), SOON);
  expect((await shown()).map(({ title, tag, renotify, silent }) => ({ title, tag, renotify, silent }))).toEqual([
    { title: "GUEST commented on your post", tag: payload.tag, renotify: true, silent: null },
    { title: "GUEST commented on your post", tag: payload.tag, renotify: false, silent: true },
    { title: "GUEST commented on your post", tag: payload.tag, renotify: false, silent: true },
    { title: "Shutterline", tag: "more", renotify: true, silent: null },
  ]);
  expect((await shown())[0]).toMatchObject({ body: "“Which river is this?”", icon: "/icon-192.png" });
  for (const file of ["/icon-192.png", "/badge-96.png"]) {
    expect((await page.request.get(file)).headers()["content-type"]).toBe("image/png");
  }

  const opened = await worker.evaluate(async (own) => {
    const { opened, dispatchEvent } = self as unknown as Recorded;
    for (const url of [own, "https://evil.example/", "//evil.example/"]) {
      const done: Promise<unknown>[] = [];
      const event = Object.assign(new Event("notificationclick"), {
        notification: { close: () => undefined, data: { url } },
        waitUntil: (work: Promise<unknown>) => done.push(work),
      });
      dispatchEvent(event);
      await Promise.all(done);
    }
    return opened;
  }, payload.url);
  expect(opened).toEqual([payload.url, "/notifications", "/notifications"].map((path) => product.address + path));

  const moved = service.browser();
  await worker.evaluate(
    async ({ before, after }) => {
      const done: Promise<unknown>[] = [];
      const event = Object.assign(new Event("pushsubscriptionchange"), {
        oldSubscription: before,
        newSubscription: { toJSON: () => after },
        waitUntil: (work: Promise<unknown>) => done.push(work),
      });
      dispatchEvent(event);
      await Promise.all(done);
    },
    { before: device.subscription, after: moved.subscription },
  );
  await reader.like(post.id);
  await eventually(() => Promise.resolve(expect(service.arrived).toHaveLength(2)), SOON);
  expect(service.arrived[1]?.browser).toBe(moved);

  await page.goto("/settings");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).first().waitFor();
  expect(await page.evaluate(() => localStorage.getItem("browser-key"))).toBeNull();
  await reader.like(other.id);
  await eventually(async () => expect((await author.notifications()).items).toHaveLength(3), SOON);
  await page.waitForTimeout(2500); // As long as a push takes.
  expect(service.asked).toHaveLength(2);
  await context.close();
});

it("can be switched off, and belongs to the next person who signs in on the browser", async () => {
  const [first, second, reader] = [await signUp("first"), await signUp("second"), await signUp("visitor")];
  const device = service.browser();
  const context = await browser.newContext({ baseURL: product.address });
  await context.addInitScript<Grants>(stubPush, { permission: "granted", subscription: device.subscription });
  const page = await signIn(context, "first");
  await page.goto("/settings/notifications");
  await push(page).click();
  await push(page).and(page.locator(":checked")).waitFor();
  await push(page).click();
  await push(page).and(page.locator(":not(:checked)")).waitFor();
  expect(await removed(first, device.subscription.endpoint)).toBe(404);
  await push(page).click();
  await push(page).and(page.locator(":checked")).waitFor();

  await context.clearCookies(); // As when a session expires without a sign-out.
  await page.evaluate(() => localStorage.removeItem("signed-in"));
  const next = await signIn(context, "second");
  await next.goto("/settings/notifications");
  await push(next).and(next.locator(":checked")).waitFor();
  await eventually(async () => expect(await removed(first, device.subscription.endpoint)).toBe(404), SOON);
  expect(await removed(reader, device.subscription.endpoint)).toBe(404);
  expect(await removed(second, device.subscription.endpoint)).toBe(204);
  await context.close();
});

async function removed({ token }: Api, endpoint: string): Promise<number> {
  const response = await fetch(`${product.address}/v1/push-subscriptions`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ endpoint }),
  });
  return response.status;
}

it("explains why a device cannot get pushes, and fits on a phone", async () => {
  await signUp("pocket");
  const phone = { baseURL: product.address, viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
  const blocked = await browser.newContext({ ...phone, colorScheme: "dark" }); // Headless: it allows no notifications.
  const page = await signIn(blocked, "pocket");
  await page.goto("/settings/notifications");
  await page.getByText("Notifications from Shutterline are blocked").waitFor();
  expect(await push(page).isDisabled()).toBe(true);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await blocked.close();

  const old = await browser.newContext(phone);
  await old.addInitScript(() => Reflect.deleteProperty(window, "PushManager"));
  const other = await signIn(old, "pocket");
  await other.goto("/settings/notifications");
  await other.getByText("This browser can’t show notifications").waitFor();
  await old.close();

  const refusing = await browser.newContext(phone);
  const { subscription } = service.browser();
  await refusing.addInitScript<Grants>(stubPush, { permission: "denied", subscription });
  const third = await signIn(refusing, "pocket");
  await third.goto("/settings/notifications");
  await push(third).click();
  await third.getByText("Notifications from Shutterline are blocked").waitFor();
  expect(await push(third).isChecked()).toBe(false);
  await refusing.close();
});

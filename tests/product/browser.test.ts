/** The web client in a real browser, against the running product. */
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { ALBUM_MAX } from "../../schema/api/posts.ts";
import { ALT, BIO, CAPTION, COMMENT, NAME } from "../../schema/text.ts";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import * as limits from "../../web/limits.ts";
import { launchChromium } from "./harness/chromium.ts";
import { eventually } from "./harness/eventually.ts";
import { Product } from "./harness/product.ts";

const PASSWORD = "correct horse battery";
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
/** The time limit for whatever follows a write. */
const SOON = 20_000;

let product: Product;
let browser: Browser;
/** Errors and warnings of the page, including violations of its content security policy. */
let trouble: string[] = [];

beforeAll(async () => {
  [product, browser] = await Promise.all([Product.start(), launchChromium()]);
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

/** Signs a person up over the API, and opens the client in a browser that remembers them. */
const enter = (handle: string, name: string, options?: BrowserContextOptions): Promise<Page> =>
  signedIn("/v1/people", { handle, password: PASSWORD, name }, options);

/** Opens the client for a person who has signed up before. */
const comeBack = (handle: string, options?: BrowserContextOptions): Promise<Page> =>
  signedIn("/v1/sessions", { handle, password: PASSWORD }, options);

/** Signs in without the form, by the cookie that a request to `path` sets. */
async function signedIn(path: string, data: object, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ baseURL: product.address, storageState: rememberedBrowser(), ...options });
  await context.request.post(path, { data });
  const page = await open(context, "/");
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  return page;
}

/** The state of a browser where somebody has signed in before: elsewhere the client does not ask for the session. */
const rememberedBrowser = () => ({
  cookies: [],
  origins: [{ origin: product.address, localStorage: [{ name: "signed-in", value: "yes" }] }],
});

/** Signs a person up over the API, and in through the form. */
async function signIn(handle: string, name: string, options: BrowserContextOptions = {}): Promise<Page> {
  await product.api.signUp({ handle, password: PASSWORD, name });
  const page = await visit("/sign-in", options);
  await page.getByLabel("Handle").fill(handle);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  return page;
}

async function visit(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  return open(await browser.newContext({ baseURL: product.address, ...options }), path);
}

async function open(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(SOON);
  page.on("pageerror", (error) => trouble.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") trouble.push(message.text());
  });
  await page.goto(path);
  return page;
}

const photograph = () => ({
  name: "boats.jpg",
  mimeType: "image/jpeg",
  buffer: Buffer.from(readPhotograph("nagasaki-boats")),
});

async function publish(page: Page, caption: string): Promise<void> {
  await page.getByRole("link", { name: "New post" }).click();
  await page.getByLabel("Choose photos").setInputFiles(photograph());
  await page.getByLabel("Describe it").fill("Boats on a river");
  await page.getByLabel("Caption").fill(caption);
  await page.getByText("Photo: ready").waitFor();
  await page.getByRole("button", { name: "Publish" }).click();
  await post(page, caption).waitFor();
}

/** Signs a person up and publishes a photograph for them. Returns the path of the post. */
async function published(handle: string, name: string, caption: string): Promise<string> {
  const author = product.api.as(await product.api.signUp({ handle, password: PASSWORD, name }));
  const { id } = await author.upload(readPhotograph("nagasaki-boats"));
  await author.untilInspected(id);
  const post = await author.publish({ caption, media: [{ id, alt: "Boats on a river" }] });
  return `/posts/${post.id}`;
}

const post = (page: Page, caption: string) => page.getByRole("article").filter({ hasText: caption });

it("takes a photograph to a follower's feed, and likes and comments back to its author", async () => {
  const author = await signIn("author", "Ada");
  await author.getByText("Your feed is empty").waitFor();
  await publish(author, "Evening in the harbour");
  const picture = post(author, "Evening in the harbour").getByAltText("Boats on a river");
  await eventually(async () => {
    expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  }, SOON);

  const reader = await enter("reader", "Ben");
  await reader.getByRole("link", { name: "Find people" }).last().click();
  await reader.getByRole("button", { name: "Follow Ada" }).click();
  await reader.getByRole("button", { name: "Following Ada" }).waitFor();
  const arrived = post(reader, "Evening in the harbour");
  await eventually(async () => {
    await reader.goto("/");
    await arrived.waitFor({ timeout: 1000 });
  }, SOON);

  await arrived.getByAltText("Boats on a river").dblclick();
  await arrived.getByRole("button", { name: "Like, 1 like", pressed: true }).waitFor();
  await arrived.getByRole("link", { name: "Open, 0 comments" }).click();
  await reader.getByLabel("Your comment").fill("Which river is this?");
  await reader.getByRole("button", { name: "Send" }).click();
  await reader.getByText("Which river is this?").waitFor();
  await reader.reload();
  await reader.getByText("Which river is this?").waitFor();
  await reader.getByRole("button", { name: "Like, 1 like", pressed: true }).waitFor();

  await author.getByRole("link", { name: "Notifications, 3 unread" }).click();
  await author.getByText("Ben liked your post").waitFor();
  await author.getByText("Which river is this?").waitFor();
  await author.getByText("Ben follows you").waitFor();
  await author.getByRole("link", { name: "Notifications", exact: true }).waitFor();
  await author.reload();
  await author.getByText("Ben follows you").waitFor();
  await author.getByRole("link", { name: "Notifications", exact: true }).waitFor();
});

it("shows posts and profiles to anonymous viewers, and asks them to sign in to follow", async () => {
  const visitor = await visit(await published("open", "Cleo", "For everybody"));
  await visitor.getByText("For everybody").waitFor();
  await visitor.getByRole("link", { name: "Cleo @open" }).click();
  await visitor.getByRole("heading", { name: "Cleo" }).waitFor();
  await visitor.getByRole("button", { name: "Follow Cleo" }).click();
  await visitor.waitForURL("**/sign-in?then=%2Fpeople%2Fopen");
});

it("shows live changes in the feed and under a post over one socket, and reconnects after a restart", async () => {
  const maker = await enter("maker", "Mia");
  const sockets: { url: string; isClosed: boolean }[] = [];
  maker.on("websocket", (socket) => {
    const opened = { url: new URL(socket.url()).pathname, isClosed: false };
    socket.on("close", () => (opened.isClosed = true));
    sockets.push(opened);
  });
  await publish(maker, "Watched from afar");
  const shown = post(maker, "Watched from afar");
  const { items } = await product.api.postsOf("maker");
  const id = items[0]?.id ?? "";
  const friend = product.api.as(await product.api.signUp({ handle: "friend", password: PASSWORD }));
  await shown.getByRole("button", { name: "Like, 0 likes" }).waitFor();
  await friend.like(id);
  await shown.getByRole("button", { name: "Like, 1 like" }).waitFor();

  // The same socket goes on with the post's own page.
  await shown.getByRole("link", { name: "Open, 0 comments" }).click();
  await maker.getByText("No comments yet").waitFor();
  await friend.comment(id, "From far away");
  await maker.getByText("From far away").waitFor();
  expect(sockets).toEqual([]); // It was opened before this test listened.

  await product.stop();
  await product.restart();
  await friend.comment(id, "And again");
  await maker.getByText("And again").waitFor({ timeout: 60_000 }); // The page waits longer after each failed attempt.
  expect(sockets.filter(({ isClosed }) => !isClosed)).toHaveLength(1);
  trouble = []; // The browser logs each failed attempt to reconnect.
});

it("lets people comment and reply under a post, and its author moderate, edit and delete it", async () => {
  const path = await published("host", "Hanna", "A river, I forgot which");
  const host = await comeBack("host");
  await host.goto(path);
  const guest = await enter("guest", "Gil", PHONE);
  await guest.goto(path);
  await say(guest, "comment", "Which river is this?");
  await say(guest, "comment", "Buy cheap frames at my shop");
  await choose(guest, "the comment by Gil", "Edit", "first");
  await guest.getByLabel("Edit comment").fill(`Which river is this? ${"O".repeat(200)}`);
  await guest.getByRole("button", { name: "Save" }).click();
  await comment(guest, "Which river").getByText("edited").waitFor();

  const question = comment(host, "Which river");
  await question.getByText("edited").waitFor(); // Live, as are all changes by others from here on.
  await question.getByRole("button", { name: "Like, 0 likes" }).click();
  await question.getByRole("button", { name: "Like, 1 like", pressed: true }).waitFor();
  await question.getByRole("button", { name: "Reply to Gil" }).click();
  await host.getByText("Replying to Gil").waitFor();
  await say(host, "reply to Gil", "The one in Nagasaki");
  await question.getByRole("link", { name: "@guest" }).waitFor();
  await choose(host, "the comment by Gil", "Pin", "last");
  await comment(host, "cheap frames").getByText("Pinned").waitFor();
  // The live frame may arrive before the response, which must then not close a menu opened in between.
  const release = await holdResponse(host, "**/hidden");
  await choose(host, "the comment by Gil", "Hide", "first");
  // On a busy machine the socket may be reconnecting, and nothing else brings the change while the response is held.
  await comment(host, "cheap frames").getByText("Hidden from everyone but you").waitFor({ timeout: 60_000 });
  await host.getByRole("button", { name: "More about the comment by Gil" }).first().click();
  release();
  await host.getByText("Hidden from everyone else").waitFor();
  await host.getByRole("menuitem", { name: "Pin" }).click();
  await question.getByText("Pinned").waitFor();
  await host.getByText("2 comments").waitFor();
  await host.getByLabel("Sort comments").selectOption("newest");
  await host.getByRole("listitem").nth(2).getByText("cheap frames").waitFor();
  await host.getByRole("listitem").first().getByText("Pinned").waitFor();

  await guest.getByText("Pinned").waitFor();
  // Its writer does not learn that it is hidden.
  expect(await comment(guest, "cheap frames").getByText("Hidden").count()).toBe(0);
  await guest.getByRole("button", { name: "1 reply" }).click();
  const answer = comment(guest, "The one in Nagasaki").last();
  await answer.getByRole("button", { name: "Like, 0 likes" }).click();
  await answer.getByRole("button", { name: "Reply to Hanna" }).click();
  await say(guest, "reply to Hanna", "So it is the Nakashima");
  await expectToFit(guest, "a thread");
  await guest.getByRole("button", { name: "More about the comment by Gil" }).nth(1).click();
  await guest.getByRole("menuitem", { name: "Delete" }).click();
  await expectToFit(guest, "a dialog");
  await guest.getByRole("button", { name: "Delete reply" }).click();
  await guest.getByText("So it is the Nakashima").waitFor({ state: "detached" });
  await choose(host, "the comment by Hanna", "Delete");
  await host.getByRole("button", { name: "Delete reply" }).click();
  await host.getByText("The one in Nagasaki").waitFor({ state: "detached" });
  await guest.getByText("The one in Nagasaki").waitFor({ state: "detached" });
  await guest.getByRole("button", { name: "Like, 0 likes" }).first().click();

  await choose(host, "this post", "Edit caption");
  await host.getByLabel("Caption").fill("The Nakashima at Nagasaki");
  await host.getByRole("button", { name: "Save" }).click();
  await host.getByText("edited").first().waitFor();
  await choose(host, "this post", "Earlier captions");
  await host.getByRole("dialog").getByText("I forgot which").waitFor();
  await host.keyboard.press("Escape");
  await choose(host, "this post", "Who can comment");
  await host.getByLabel("No one").check();
  await host.getByRole("button", { name: "Save" }).click();
  await host.getByText("Only you can comment").waitFor();
  await findAfterReload(host, host.getByRole("link", { name: "1 like" }));
  await host.getByRole("link", { name: "1 like" }).click();
  await host.getByRole("link", { name: "Gil @guest" }).waitFor();
  await host.getByRole("link", { name: "Back to post" }).click();

  await guest.getByText("Hanna turned off comments").waitFor();
  await findAfterReload(guest, guest.getByText("The Nakashima at Nagasaki"));
  await choose(host, "this post", "Delete post");
  await host.getByRole("alertdialog").getByText("1 like and 1 comment ").waitFor();
  await host.getByRole("button", { name: "Delete post" }).click();
  await host.waitForURL("**/people/host");
  await host.getByText("No posts yet").waitFor();
  await host.getByRole("link", { name: "Home" }).first().click();
  await host.getByText("Your feed is empty").waitFor();

  await guest.getByText("Post not found").waitFor();
});

const comment = (page: Page, text: string) => page.getByRole("listitem").filter({ hasText: text });

async function say(page: Page, what: string, text: string): Promise<void> {
  await page.getByLabel(`Your ${what}`).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
  await comment(page, text).first().waitFor();
}

/** Reloads until `wanted` appears: changes by others arrive a moment later. */
async function findAfterReload(page: Page, wanted: Locator): Promise<void> {
  await eventually(async () => {
    await page.reload();
    await wanted.waitFor({ timeout: 2000 });
  }, SOON);
}

async function choose(page: Page, about: string, item: string, which: "first" | "last" = "first"): Promise<void> {
  const buttons = page.getByRole("button", { name: `More about ${about}` });
  await buttons[which]().click();
  await page.getByRole("menuitem", { name: item }).click();
}

/** Holds back the response to the page's next request to `path` until the returned function is called. */
async function holdResponse(page: Page, path: string): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const hold = async (route: Route) => {
    const response = await route.fetch();
    await promise;
    await route.fulfill({ response });
  };
  await page.route(path, hold, { times: 1 });
  return resolve;
}

/** Compares with the viewport, not innerWidth: a phone zooms out until a page that is too wide fits. */
async function expectToFit(page: Page, what: string): Promise<void> {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width, `the width of ${what}`).toBeLessThanOrEqual(PHONE.viewport.width);
}

/** Chooses a command from the menu on a profile. */
async function chooseAbout(page: Page, name: string, command: string): Promise<void> {
  await page.getByRole("button", { name: `More about ${name}` }).click();
  await page.getByRole("menuitem", { name: command }).click();
}

it("hides a muted person from the feed, and brings their posts back after an unmute", async () => {
  await published("loud", "Lou", "Seven photographs a day");
  const page = await enter("weary", "Wim");
  await page.goto("/people/loud");
  await page.getByRole("button", { name: "Follow Lou" }).click();
  await eventually(async () => {
    await page.goto("/");
    await post(page, "Seven photographs").waitFor({ timeout: 1000 });
  }, SOON);
  await page.goto("/people/loud");
  await chooseAbout(page, "Lou", "Mute Lou");
  await page.getByRole("button", { name: "Unmute Lou" }).waitFor();
  await page.getByRole("link", { name: "Boats on a river" }).waitFor();
  await page.goto("/");
  await page.getByText("Your feed is empty").waitFor();
  await page.goto("/settings/privacy");
  await page.getByRole("button", { name: "Unmute Lou" }).click();
  await page.getByText("You haven’t muted anyone").waitFor();
  await eventually(async () => {
    await page.goto("/");
    await post(page, "Seven photographs").waitFor({ timeout: 1000 });
  }, SOON); // The feed is filled again some seconds after the unmute.
});

it("lets the owner of a private account accept and remove followers", async () => {
  await published("shy", "Sasha", "Only for friends");
  const owner = await comeBack("shy");
  await owner.goto("/settings/privacy");
  const setting = owner.getByRole("switch", { name: "Private account" });
  await setting.click();
  await owner.getByText("Your account is now private").waitFor();
  expect(await setting.isChecked()).toBe(true);

  const friend = await enter("friend_of_shy", "Fred", PHONE);
  await friend.goto("/people/shy");
  await friend.getByRole("heading", { name: "This account is private" }).waitFor();
  expect(await friend.getByRole("link", { name: "Boats on a river" }).count()).toBe(0);
  expect(await friend.getByRole("link", { name: /follower/ }).count()).toBe(0);
  await friend.getByRole("button", { name: "Request to follow Sasha" }).click();
  await friend.getByRole("button", { name: "Requested Sasha" }).waitFor();
  await friend.getByText("You’ll see their posts once they accept").waitFor();
  await expectToFit(friend, "a private profile");

  await eventually(async () => {
    await owner.goto("/requests");
    await owner.getByRole("button", { name: "Accept Fred" }).click({ timeout: 1000 });
  }, SOON);
  await owner.getByText("No follow requests").waitFor();
  await eventually(async () => {
    await friend.goto("/people/shy");
    await friend.getByRole("link", { name: "Boats on a river" }).waitFor({ timeout: 1000 });
  }, SOON);
  await friend.getByRole("button", { name: "Following Sasha" }).waitFor();

  await owner.goto("/people/shy/followers");
  await owner.getByRole("button", { name: "Remove Fred" }).click();
  const dialog = owner.getByRole("dialog", { name: "Remove Fred?" });
  await dialog.getByRole("button", { name: "Remove", exact: true }).click();
  await owner.getByText("No followers yet").waitFor();
  await friend.goto("/people/shy");
  await friend.getByRole("heading", { name: "This account is private" }).waitFor();
});

it("blocks a person after a confirmation, and unblocks them on their profile and in the settings", async () => {
  await published("blocked_one", "Finn", "Seen by nearly everybody");
  const author = await comeBack("blocked_one");
  const page = await enter("blocker_one", "Gina");
  await page.goto("/people/blocked_one");
  await page.getByRole("link", { name: "Boats on a river" }).waitFor();

  await chooseAbout(page, "Finn", "Block Finn");
  const dialog = page.getByRole("dialog", { name: "Block Finn?" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "hidden" });
  await chooseAbout(page, "Finn", "Block Finn");
  await dialog.getByRole("button", { name: "Block", exact: true }).click();
  await page.getByText("You blocked Finn").waitFor();
  expect(await page.getByRole("link", { name: "Boats on a river" }).count()).toBe(0);
  expect(await page.getByRole("button", { name: "Follow Finn" }).count()).toBe(0);

  await author.goto("/people/blocker_one");
  await author.getByRole("heading", { name: "Person not found" }).waitFor();
  expect(await author.getByRole("heading", { name: "Gina" }).count()).toBe(0);
  // The browser itself logs the 404.
  trouble = trouble.filter((message) => !message.includes("404"));

  await page.getByRole("button", { name: "Unblock Finn" }).click();
  await page.getByRole("link", { name: "Boats on a river" }).waitFor();
  await chooseAbout(page, "Finn", "Block Finn");
  await dialog.getByRole("button", { name: "Block", exact: true }).click();
  await page.getByText("You blocked Finn").waitFor();
  await page.goto("/settings/privacy");
  await page.getByRole("button", { name: "Unblock Finn" }).click();
  await page.getByText("You haven’t blocked anyone").waitFor();
});

it("explains why a file cannot be used", async () => {
  const page = await enter("hopeful", "Dora");
  await page.goto("/new");
  const notes = { name: "notes.jpg", mimeType: "image/jpeg", buffer: Buffer.from("These are not pixels. ".repeat(50)) };
  await page.getByLabel("Choose photos").setInputFiles(notes);
  await page.getByRole("alert").filter({ hasText: "Photo:" }).waitFor();
  expect(await page.getByRole("button", { name: "Publish" }).isDisabled()).toBe(true);
  // The browser itself logs the 415.
  trouble = trouble.filter((message) => !message.includes("415"));
});

it("fits on the narrowest phone and follows the colour scheme of the system", async () => {
  const path = await published("pocket", "Emil", `A long word: ${"harbour".repeat(30)}`);
  const page = await comeBack("pocket", { ...PHONE, colorScheme: "dark" });

  for (const each of ["/", path, "/people/pocket", "/people", "/notifications", "/new"]) {
    await page.goto(each);
    await page.getByRole("heading").first().waitFor();
    await page.waitForLoadState("networkidle");
    await expectToFit(page, each);
  }

  expect(await lightness(page)).toBeLessThan(0.2);
  await page.getByRole("button", { name: "Use the light theme" }).click();
  expect(await lightness(page)).toBeGreaterThan(0.8);
  await page.reload();
  expect(await lightness(page)).toBeGreaterThan(0.8);
});

/** The lightness of the background: 0 is black, 1 is white. */
const lightness = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const [red = 0] = getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g)?.map(Number) ?? [];
    return red / 255;
  });

it("lets browsers cache built files for a year, but not the page served in place of a missing one", async () => {
  const page = await (await fetch(product.address)).text();
  const script = /src="(\/assets\/[^"]+)"/.exec(page)?.[1] ?? "";
  expect(await cacheControl(script)).toContain("immutable");
  // A file of an older or newer build does not exist here, so its path gets the client's page.
  expect(await cacheControl("/assets/another-version.js")).not.toContain("immutable");
});

const cacheControl = async (path: string): Promise<string | null> =>
  (await fetch(product.address + path)).headers.get("cache-control");

it("repeats the limits of the API in web/limits.ts", () => {
  expect(limits).toMatchObject({
    ALBUM_MAX,
    ALT_MAX: ALT.graphemes,
    BIO_MAX: BIO.graphemes,
    CAPTION_MAX: CAPTION.graphemes,
    COMMENT_MAX: COMMENT.graphemes,
    NAME_MAX: NAME.graphemes,
  });
});

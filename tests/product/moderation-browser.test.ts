/** Reporting, deciding by keyboard and answering, in a real browser. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import { launchChromium } from "./harness/chromium.ts";
import { Product, runToEnd } from "./harness/product.ts";

const PASSWORD = "correct horse battery";
const SOON = 20_000;

let product: Product;
let browser: Browser;
beforeAll(async () => {
  [product, browser] = await Promise.all([Product.start(), launchChromium()]);
});
afterAll(async () => {
  await browser.close();
  await product.remove();
});

/** Opens a page for somebody who has signed up over the API. */
async function open(handle: string, path: string): Promise<Page> {
  const origins = [{ origin: product.address, localStorage: [{ name: "signed-in", value: "yes" }] }];
  const context = await browser.newContext({ baseURL: product.address, storageState: { cookies: [], origins } });
  await context.request.post("/v1/sessions", { data: { handle, password: PASSWORD } });
  const page = await context.newPage();
  page.setDefaultTimeout(SOON);
  await page.goto(path);
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  return page;
}

it("lets people report, a moderator decide by keyboard, and the author read why and answer", async () => {
  const [author] = await Promise.all(
    ["author", "reader", "judge"].map((handle) => product.api.signUp({ handle, password: PASSWORD, name: handle })),
  );
  const as = product.api.as(author as NonNullable<typeof author>);
  const { id } = await as.upload(readPhotograph("nagasaki-boats"));
  await as.untilInspected(id);
  const { id: post } = await as.publish({ caption: "Buy my lens", media: [{ id, alt: "Boats" }] });
  expect(await runToEnd("scripts/admin.ts", "role", "judge", "moderator", "--state", product.state)).toEqual({
    code: 0,
    output: "@judge is a moderator now\n",
  });

  const reader = await open("reader", `/posts/${post}`);
  await reader.getByRole("button", { name: "More about this post" }).click();
  await reader.getByRole("menuitem", { name: "Report post" }).click();
  await reader.getByLabel("Spam or a scam").check();
  await reader.getByLabel("Anything to add?").fill("It is an advert");
  await reader.getByRole("button", { name: "Report", exact: true }).click();
  await reader.getByText("The moderators will look at it").waitFor();

  const judge = await open("judge", "/moderation");
  const waiting = judge.getByRole("listitem", { name: "Case about the post of author" });
  await waiting.waitFor();
  await waiting.focus();
  await judge.keyboard.press("2");
  await judge.getByLabel("Reason").fill("No adverts here");
  await judge.keyboard.press("Control+Enter");
  await judge.getByText("Nothing to decide").waitFor();

  await reader.reload();
  await reader.getByText("Post not found").waitFor();
  const owner = await open("author", `/posts/${post}`);
  await owner.getByText("A moderator has taken this post down").waitFor();
  await owner.getByRole("link", { name: "Read why" }).click();
  await owner.getByText("No adverts here").waitFor();
  await owner.getByLabel("Your answer").fill("It was a joke");
  await owner.getByRole("button", { name: "Send answer" }).click();
  await owner.getByText("A moderator will read your answer").waitFor();

  await judge.goto("/moderation");
  await waiting.focus();
  await judge.keyboard.press("1"); // Restore.
  await judge.getByLabel("Reason").fill("Fair enough");
  await judge.keyboard.press("Control+Enter");
  await judge.getByText("Nothing to decide").waitFor();
  await reader.reload();
  await reader.getByText("Buy my lens").waitFor();
});

it("lets moderators filter words everywhere, and operators read what was done", async () => {
  const people = ["writer", "warden"].map((handle) => product.api.signUp({ handle, password: PASSWORD, name: handle }));
  const [writer] = await Promise.all(people);
  const role = ["scripts/admin.ts", "role", "warden", "operator", "--state", product.state] as const;
  expect((await runToEnd(...role)).code).toBe(0);

  const warden = await open("warden", "/moderation/words");
  await warden.getByText("No words are filtered").waitFor();
  await warden.getByLabel("Word or phrase").fill("cheap pills");
  await warden.getByLabel("Only their writers see comments with it").check();
  await warden.getByRole("button", { name: "Add word" }).click();
  const filter = warden.getByRole("listitem").filter({ hasText: "cheap pills" });
  await filter.getByText("Only their writers see comments with it").waitFor();
  await warden.getByRole("link", { name: "Log" }).click();
  await warden.getByText("warden changed a filtered word").waitFor();
  await warden.getByText("word: cheap pills").waitFor();
  await warden.getByText("The operator changed the role of warden").waitFor();

  await warden.setViewportSize({ width: 390, height: 800 });
  for (const path of ["/moderation", "/moderation/words", "/moderation/log"]) {
    await warden.goto(path);
    await warden.getByRole("heading", { name: "Moderation" }).waitFor();
    expect(await warden.evaluate(() => document.documentElement.scrollWidth), path).toBe(390);
  }
  await warden.goto("/moderation/words");
  await filter.getByRole("button", { name: "Remove the filter of cheap pills" }).click();
  await warden.getByText("No words are filtered").waitFor();

  if (!writer) throw new Error("nobody has signed up");
  for (const path of ["/moderation", "/moderation/words", "/moderation/log"]) {
    await (await open("writer", path)).getByText("Page not found").waitFor();
  }
});

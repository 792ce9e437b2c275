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

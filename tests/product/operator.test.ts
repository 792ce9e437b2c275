/** Dead letters in the real queues of the running product, handled by its operator in a terminal and in a browser. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildClient } from "../../scripts/local-server/client-build.ts";
import { type Server, startServer } from "../../scripts/local-server/server.ts";
import { adminTokenOf } from "../../scripts/local-server/state.ts";
import { launchChromium } from "./harness/chromium.ts";
import { eventually } from "./harness/eventually.ts";
import { runToEnd } from "./harness/product.ts";

const SOON = 20_000;
const ID = "01m3qk7vt4xe";

const state = join(mkdtempSync(join(tmpdir(), "shutterline-")), ".shutterline");
let server: Server;
let browser: Browser;
let address: string;

beforeAll(async () => {
  await buildClient();
  [server, browser] = await Promise.all([startServer({ state, host: "localhost", port: 0 }), launchChromium()]);
  address = `http://localhost:${server.port}`;
  process.env["ADMIN_TOKEN"] = adminTokenOf(state);
});
afterAll(async () => {
  delete process.env["ADMIN_TOKEN"];
  await browser.close();
  await server.stop();
  rmSync(dirname(state), { recursive: true, force: true });
});

const admin = (...words: string[]) => runToEnd("scripts/admin.ts", ...words, "--address", address);
const send = async (binding: string, body: unknown) => (await server.miniflare.getQueueProducer(binding)).send(body);
/** Sends a bare message to the dead-letter queue, as the platform does when no consumer settles it. */
const sendDeadLetter = (kind: string, end: string) =>
  send("DEAD_LETTERS", { kind, id: ID + end, follower: `${ID}8`, followee: `${ID}9`, media: `${ID}7` });

it("keeps and lists a poisoned message, and replays and discards dead letters on command", async () => {
  expect(await admin("dead-letters")).toEqual({ code: 0, output: "No dead letters\n" });
  await send("EFFECTS", { kind: "nonsense" });
  await Promise.all([sendDeadLetter("follow", "1"), sendDeadLetter("follow", "2"), sendDeadLetter("inspect", "3")]);
  await eventually(async () => expect((await admin("dead-letters")).output).toContain("4 dead letters"), SOON);

  const { output } = await admin("dead-letters", "--queue", "shutterline-effects");
  expect(output).toMatch(/^\d+ {2}shutterline-effects {2}[0-9a-f]{64} {2}last .+: It does not match its schema:/m);
  const numberOf = (subject: string) => new RegExp(`^(\\d+) .*${subject}`, "m").exec(output)?.[1] ?? "";
  const nonsense = numberOf("[0-9a-f]{64}");
  expect((await admin("dead-letters", "show", nonsense)).output).toContain('body: {\n  "kind": "nonsense"\n}');
  expect(await admin("status")).toMatchObject({ code: 1 });

  // The message still fails, so it comes back with its counts.
  expect(await admin("dead-letters", "replay", nonsense)).toEqual({ code: 0, output: "1 replayed\n" });
  await eventually(async () => {
    const { output: again } = await admin("dead-letters", "show", nonsense);
    expect(again).toContain("deaths: 2\nreplays: 1");
    expect(again).not.toContain("replayedAt");
  }, SOON);
  expect(await admin("dead-letters", "discard", nonsense)).toMatchObject({ code: 0 });

  // The subjects of these messages do not exist, so their consumers have nothing to do.
  expect(await admin("dead-letters", "replay", "--all")).toEqual({ code: 0, output: "3 replayed\n" });
  expect((await admin("dead-letters")).output).toBe("No dead letters\n");
  expect((await admin("dead-letters", "--replayed")).output).toContain("3 dead letters");
  expect(await admin("dead-letters", "replay", "9999")).toMatchObject({ code: 1 });
  expect(await admin("dead-letters", "replay")).toMatchObject({ code: 1 });
});

it("shows the status and dead letters to the operator alone, and replays and discards them", async () => {
  await send("EFFECTS", { kind: "nonsense", mark: 1 });
  await sendDeadLetter("follow", "4");
  const trouble: string[] = [];
  const page = await visit("/operator", trouble);
  await page.getByLabel("Operator token").fill("something else");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("That isn’t the operator token.").waitFor();
  await page.getByLabel("Operator token").fill(adminTokenOf(state));
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: /shutterline-effects/ }).waitFor();
  await page.getByRole("heading", { name: "Shards" }).waitFor();
  await page.getByText("0–8191").waitFor();

  const poisoned = page.getByRole("listitem").filter({ hasText: "It does not match its schema" });
  await poisoned.getByText("effects", { exact: true }).click();
  await poisoned.getByLabel("Body").getByText('"mark": 1').waitFor();
  await poisoned.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Discard" }).click();
  await poisoned.waitFor({ state: "detached" });

  const follow = page.getByRole("listitem").filter({ hasText: `follow ${ID}4` });
  await follow.locator("summary").focus();
  await page.keyboard.press("Enter");
  await follow.getByRole("button", { name: "Replay" }).click();
  await follow.waitFor({ state: "detached" });
  await page.getByText("No dead letters.").waitFor();

  await page.reload();
  await page.getByRole("heading", { name: "Queues" }).waitFor(); // The tab has stored the token.
  expect(page.url()).toBe(`${address}/operator`);
  const narrow = { width: 360, height: 740 };
  await page.setViewportSize(narrow);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(narrow.width);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.reload();
  await page.getByLabel("Operator token").waitFor();
  // The browser itself logs the 401 of the first token.
  expect(trouble.filter((message) => !message.includes("401"))).toEqual([]);
});

async function visit(path: string, trouble: string[]): Promise<Page> {
  const page = await (await browser.newContext({ baseURL: address })).newPage();
  page.setDefaultTimeout(SOON);
  page.on("pageerror", (error) => trouble.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") trouble.push(message.text());
  });
  await page.goto(path);
  return page;
}

/** A web app of another origin, in a real browser: everything with a token, and nothing by the cookie of its visitor. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import { launchChromium } from "./harness/chromium.ts";
import { Product } from "./harness/product.ts";

let site: Server;
let product: Product;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  site = createServer((_, response) =>
    response.setHeader("content-type", "text/html").end("<!doctype html><title>App</title>"),
  );
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  // Another host name, so another site too: cookies of one are not sent to the other.
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  [product, browser] = await Promise.all([Product.start({ vars: { ALLOWED_ORIGINS: origin } }), launchChromium()]);
  page = await browser.newPage();
  await page.goto(origin);
});
afterAll(async () => {
  await browser.close();
  await product.remove();
  site.close();
});

it("signs up, uploads, publishes, likes, shows a private picture and watches live", async () => {
  const photograph = [...readPhotograph("nagasaki-boats")];
  const seen = await page.evaluate(
    async ({ api, photograph }) => {
      let token = "";
      const call = async (method: string, path: string, body?: unknown) => {
        const isFile = body instanceof Blob;
        const response = await fetch(`${api}/v1${path}`, {
          method,
          headers: {
            ...(token !== "" && { authorization: `Bearer ${token}` }),
            ...(body !== undefined && !isFile && { "content-type": "application/json" }),
          },
          ...(body !== undefined && { body: isFile ? body : JSON.stringify(body) }),
        });
        const shown = response.headers.get("consistency-token") !== null;
        return { ...((await response.json()) as Record<string, unknown>), status: response.status, shown } as never as {
          status: number;
          shown: boolean;
          token: string;
          id: string;
          state: string;
          liked: boolean;
          ticket: string;
          urls: { w320: string };
        };
      };
      ({ token } = await call("POST", "/people", { handle: "app_user", password: "correct horse battery" }));
      let media = await call("POST", "/media", new Blob([new Uint8Array(photograph)]));
      while (media.state === "uploaded") {
        await new Promise((resolve) => setTimeout(resolve, 200));
        media = await call("GET", `/media/${media.id}`);
      }
      const picture = new Image();
      picture.src = api + media.urls.w320; // Not published yet, so its URL is signed.
      await picture.decode();
      const post = await call("POST", "/posts", { caption: "From an app", media: [{ id: media.id }] });
      const like = await call("PUT", `/posts/${post.id}/like`);
      const { ticket } = await call("POST", "/live/tickets");
      const first = await new Promise<string>((resolve, reject) => {
        const socket = new WebSocket(`${api.replace("http", "ws")}/v1/live?ticket=${ticket}`);
        socket.addEventListener("message", ({ data }) => resolve(String(data)));
        socket.addEventListener("close", ({ code }) => reject(new Error(`closed with ${code}`)));
      });
      return { post: post.status, shown: post.shown, liked: like.liked, width: picture.naturalWidth, first };
    },
    { api: product.address, photograph },
  );
  expect(seen).toEqual({ post: 201, shown: true, liked: true, width: 320, first: '{"topic":"me"}' });
});

it("is not let in where it is not listed", async () => {
  const other = await browser.newPage();
  await other.goto(`data:text/html,<title>Elsewhere</title>`);
  const outcome = await other.evaluate(
    (api) =>
      fetch(`${api}/v1/people`).then(
        ({ status }) => status,
        (error: unknown) => String(error),
      ),
    product.address,
  );
  expect(outcome).toBe("TypeError: Failed to fetch");
  await other.close();
});

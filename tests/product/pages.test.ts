/** How the web client's files and pages are served. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { PAGES } from "../../schema/pages.ts";
import { Product } from "./harness/product.ts";

let product: Product;
beforeAll(async () => {
  product = await Product.start();
});
afterAll(() => product.remove());

const visit = (path: string, method = "GET") =>
  fetch(product.address + path, { method, headers: { accept: "text/html,*/*;q=0.8" }, redirect: "manual" });
const kindOf = (response: Response) => response.headers.get("content-type")?.split(";")[0];

it("serves the client for each of its pages, with its policy", async () => {
  const page = await (await visit("/")).text();
  for (const path of PAGES) {
    const response = await visit(path.replace(":handle", "ada").replace(":id", "0000000000000"));
    expect([response.status, kindOf(response)], path).toEqual([200, "text/html"]);
    expect(response.headers.get("content-security-policy"), path).toContain("script-src 'self'");
    expect(response.headers.get("strict-transport-security"), path).toBe("max-age=63072000");
    expect(await response.text()).toBe(page);
  }
});

it("answers a path that is no page with the client and 404, so that it can say so", async () => {
  for (const path of ["/nothing", "/people/ada/likes", "/posts", "/settings/x/y"]) {
    const response = await visit(path);
    expect([response.status, kindOf(response)], path).toEqual([404, "text/html"]);
    expect(response.headers.get("content-security-policy"), path).toContain("script-src 'self'");
  }
  expect((await visit("/nothing", "HEAD")).status).toBe(404);
});

it("answers a file that is not there with a problem, whatever the client accepts", async () => {
  for (const path of ["/assets/index-gone1234.js", "/favicon.ico", "/media/x/y", "/v1/nothing"]) {
    const response = await visit(path);
    expect([response.status, kindOf(response)], path).toEqual([404, "application/problem+json"]);
  }
  expect([(await fetch(`${product.address}/nothing`)).status, (await visit("/nothing", "POST")).status]).toEqual([
    404, 404,
  ]);
});

it("caches what has a hash in its name for a year, and the page not at all", async () => {
  const response = await visit("/");
  const [, script = ""] = /src="(\/assets\/[^"]+\.js)"/.exec(await response.text()) ?? [];
  const cached = await visit(script);
  expect([cached.status, cached.headers.get("cache-control")]).toEqual([200, "public, max-age=31536000, immutable"]);
  expect(response.headers.get("cache-control")).toContain("must-revalidate");
});

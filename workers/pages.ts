/** The pages of the web client. Its files are served without the Worker; only a path that is no file comes here. */
import { Hono } from "hono";
import type { Context } from "hono";
import { PAGES } from "../schema/pages.ts";
import type { App } from "./http/routes.ts";

export const pages = new Hono<App>();

for (const path of PAGES) pages.get(path, (c) => page(c));

/** Whether a request for an unknown path is answered with a page: a person follows a link, and no file is missing. */
export const isNavigation = ({ method, url, headers }: Request): boolean =>
  (method === "GET" || method === "HEAD") &&
  (headers.get("accept") ?? "").includes("text/html") &&
  !/^\/(v1|media|assets)\/|\.\w+$/.test(new URL(url).pathname);

/** Returns the client's HTML, with which it shows whatever page the path names. Costs one request to the assets. */
export async function page(c: Context<App>, status = 200): Promise<Response> {
  const { body, headers } = await c.env.ASSETS.fetch(new Request(new URL("/", c.req.url), { method: c.req.method }));
  return new Response(body, { status, headers });
}

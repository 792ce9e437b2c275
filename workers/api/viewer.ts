/** Who asks: a session's token in `Authorization: Bearer` (programs) or in a cookie (the web client). */
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import type { Context } from "hono";
import { requireOwnSite } from "./cross-site.ts";
import { ApiError } from "./errors.ts";
import type { App, Viewer } from "./routes.ts";
import { bearerOf, SESSION_LASTS, viewerOf } from "./tokens.ts";

// The prefix makes browsers refuse the cookie unless this very host set it, over HTTPS and for every path: a page of
// another subdomain cannot plant one. (Browsers count http://localhost as HTTPS here.)
const COOKIE = "__Host-session";
const SCOPE = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;

/**
 * Sets `viewer`. Costs one D1 query for a request that carries a token, none for one that does not. A wrong
 * `Authorization` is refused, because its sender believes to be signed in; a cookie may just be old, so its sender is
 * nobody.
 */
export const viewer = createMiddleware<App>(async (c, next) => {
  const authorization = c.req.header("authorization");
  c.set("viewer", authorization === undefined ? await byCookie(c) : await byBearer(c.env, authorization));
  await next();
});

export const setSessionCookie = (c: Context<App>, token: string) =>
  setCookie(c, COOKIE, token, { ...SCOPE, maxAge: SESSION_LASTS / 1000 });

export const clearSessionCookie = (c: Context<App>) => deleteCookie(c, COOKIE, SCOPE);

async function byBearer(env: Env, authorization: string): Promise<Viewer> {
  const token = bearerOf(authorization);
  const viewer = token === undefined ? undefined : await viewerOf(env, token);
  if (!viewer) throw new ApiError("not_signed_in");
  return viewer;
}

async function byCookie(c: Context<App>): Promise<Viewer | undefined> {
  const token = getCookie(c, COOKIE);
  const viewer = token === undefined ? undefined : await viewerOf(c.env, token);
  if (viewer) requireOwnSite(c.req.raw);
  return viewer;
}

/** Finds the viewer by a session token, in `Authorization: Bearer` (programs) or in a cookie (the web client). */
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import type { Context } from "hono";
import type { PersonCard } from "../../../schema/api/people.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { requireOwnSite } from "../../http/cross-site.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import type { App } from "../../http/routes.ts";
import { SESSION_COOKIE } from "../../http/session-cookie.ts";
import { copySession, rememberedPerson } from "./session-copies.ts";
import { bearerOf, sessionRowOf, SESSION_LASTS, sessionOf, viewerOf } from "./tokens.ts";

const SCOPE = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;

/**
 * Sets `viewer` in the context and in the reader. Costs one D1 query if the request carries a token, else none. A wrong
 * `Authorization` is rejected, because its sender expects to be signed in. A cookie may just be old, so its sender
 * becomes an anonymous viewer.
 */
export const viewer = createMiddleware<App>(async (c, next) => {
  const { reader } = c.var;
  const token = tokenIn(c);
  const found = token === undefined ? undefined : await viewerOf(reader, token);
  if (!found && c.req.header("authorization") !== undefined) throw new ApiError("not_signed_in");
  if (found && !isBearer(c)) requireOwnSite(c.req.raw);
  reader.viewer = found;
  c.set("viewer", found);
  await next();
});

/**
 * Returns the owner of the request's session, if this isolate has seen it before. The secret is not checked, so this is
 * not yet the viewer.
 */
export function probablePerson(c: Context<App>): PersonId | undefined {
  const session = sessionOf(tokenIn(c) ?? "");
  return session && rememberedPerson(session.id);
}

/** Sets the cookie of a new session, and copies the session to KV in the background. */
export async function beginSession(c: Context<App>, person: PersonCard, token: string): Promise<void> {
  setCookie(c, SESSION_COOKIE, token, { ...SCOPE, maxAge: SESSION_LASTS / 1000 });
  const copy = await sessionRowOf(person, token);
  if (copy) c.executionCtx.waitUntil(copySession(c.env, copy.session, copy.row));
}

/** Deletes the cookie of a session that has ended. */
export function endSession(c: Context<App>): void {
  deleteCookie(c, SESSION_COOKIE, SCOPE);
}

const isBearer = (c: Context<App>): boolean => c.req.header("authorization") !== undefined;

function tokenIn(c: Context<App>): string | undefined {
  const authorization = c.req.header("authorization");
  return authorization === undefined ? getCookie(c, SESSION_COOKIE) : bearerOf(authorization);
}

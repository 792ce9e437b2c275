/** Who asks: a session's token in `Authorization: Bearer` (programs) or in a cookie (the web client). */
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
import { bearerOf, copyOfToken, SESSION_LASTS, sessionOf, viewerOf } from "./tokens.ts";

const SCOPE = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;

/** For the routes that begin by knowing who asks. */
export const viewer = createMiddleware<App>(async (c, next) => {
  await findViewer(c);
  await next();
});

/**
 * Sets `viewer`, also of the reader. Costs one D1 query for a request that carries a token, none for one that does not. A
 * wrong `Authorization` is refused, because its sender believes to be signed in; a cookie may just be old, so its sender
 * is nobody.
 */
export async function findViewer(c: Context<App>): Promise<void> {
  const { reader } = c.var;
  const token = tokenIn(c);
  const found = token === undefined ? undefined : await viewerOf(reader, token);
  if (!found && c.req.header("authorization") !== undefined) throw new ApiError("not_signed_in");
  if (found && !isBearer(c)) requireOwnSite(c.req.raw);
  reader.viewer = found;
  c.set("viewer", found);
}

/** Whom the request's session belongs to, if this isolate has seen it before: not yet who asks. */
export function probablePerson(c: Context<App>): PersonId | undefined {
  const session = sessionOf(tokenIn(c) ?? "");
  return session && rememberedPerson(session.id);
}

/** Gives the browser a session that has begun. */
export async function beginSession(c: Context<App>, person: PersonCard, token: string): Promise<void> {
  setCookie(c, SESSION_COOKIE, token, { ...SCOPE, maxAge: SESSION_LASTS / 1000 });
  const copy = await copyOfToken(person, token);
  if (copy) c.executionCtx.waitUntil(copySession(c.env, copy.session, copy.row));
}

/** Takes the session back from the browser, once it is over. */
export function endSession(c: Context<App>): void {
  deleteCookie(c, SESSION_COOKIE, SCOPE);
}

const isBearer = (c: Context<App>): boolean => c.req.header("authorization") !== undefined;

function tokenIn(c: Context<App>): string | undefined {
  const authorization = c.req.header("authorization");
  return authorization === undefined ? getCookie(c, SESSION_COOKIE) : bearerOf(authorization);
}

/** Finds the viewer by a session token, in `Authorization: Bearer` (programs) or in a cookie (the web client). */
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import type { Context } from "hono";
import { isSafe, requireOwnSite } from "../../http/cross-site.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import type { PersonId } from "../../../schema/ids.ts";
import type { App } from "../../http/routes.ts";
import { SESSION_COOKIE } from "../../http/session-cookie.ts";
import { problem } from "../../http/problems.ts";
import { chargePerson, type Limited, requireAllowed, requireReadAllowed, setRateLimit } from "../../limits/charges.ts";
import { networkIn } from "../../limits/networks.ts";
import { limitOf } from "../../limits/limited-requests.ts";
import { canTell } from "../../storage/issued-tokens.ts";
import { Reader } from "../../storage/reader.ts";
import type { SessionCheck } from "../../storage/viewer.ts";
import { refuseIfSuspended } from "./suspension.ts";
import { bearerOf, checkSession, claimIn, isIssued, SESSION_LASTS } from "./tokens.ts";

const SCOPE = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;

/** Handles a request as if it came without a session. */
type Anonymously = (c: Context<App>, request: Request) => Response | Promise<Response>;

/**
 * Lets the reader act for the person that the request's token names. The session is checked while the route reads for
 * that person, in the same D1 call, and no response leaves before the check has succeeded. What changes something awaits
 * the check itself (`requireViewer`). Costs one D1 query if the request carries a token, else none.
 *
 * A token that was never issued is rejected before anything is read; only an isolate's first request may learn that
 * while it reads.
 *
 * A wrong `Authorization` is rejected, because its sender expects to be signed in. A cookie may just be old, so its
 * sender is answered as an anonymous viewer.
 */
export const viewer = (anonymously: Anonymously) =>
  createMiddleware<App>(async (c, next) => {
    const { reader } = c.var;
    const token = tokenIn(c);
    const isIssuedOrUnknown = token === undefined ? undefined : isIssued(c.env, token);
    const isForged = canTell(c.env) && (await isIssuedOrUnknown) === false;
    const claim = token === undefined || isForged ? undefined : claimIn(token);
    if (!claim && isBearer(c)) throw new Refusal("not_signed_in");
    if (isSafe(c.req.raw)) await requireReadAllowed(c.env, claim?.person, networkIn(c.req.raw.headers));
    if (!claim) return next();
    if (!isBearer(c)) requireOwnSite(c.req.raw);
    reader.actFor({ person: claim.person, session: claim.session }, async () => {
      const [isOurs, check] = await Promise.all([isIssuedOrUnknown, checkSession(reader, claim)]);
      if (isOurs !== true || !check) return undefined;
      refuseIfSuspended(c.req, check.suspendedUntil);
      return check;
    });
    const charging = charge(c, claim.person, isIssuedOrUnknown);
    await next();
    if (c.res.webSocket) return; // Its route has awaited the check.
    const charged = await charging;
    if (charged) setRateLimit(c, charged);
    const isRead = c.req.method === "GET" || c.req.method === "HEAD";
    if (!isBearer(c) && !isRead) return; // What needs a viewer has awaited the check.
    let check: SessionCheck | undefined;
    try {
      check = await reader.check();
    } finally {
      if (!check) forgetAnswer(c);
    }
    if (check) return;
    if (isBearer(c)) c.res = problem(new Refusal("not_signed_in"), c);
    else c.res = await anonymously(c, withoutCookie(c.req.raw));
  });

/**
 * Charges what the request does to the person's limits, while the route reads. Only a token that was issued is charged, so
 * nobody can use up what is somebody else's.
 */
function charge(
  c: Context<App>,
  person: PersonId,
  isIssued: Promise<boolean> | undefined,
): Promise<Limited | undefined> | undefined {
  const limit = limitOf(c.req.method, c.req.path);
  if (!limit) return undefined;
  const charging = (async () => ((await isIssued) ? chargePerson(c.env, person, limit) : undefined))();
  c.var.reader.writeOnlyIf(charging.then((charged) => requireAllowed(charged)));
  return charging;
}

/** Takes back what was read for a person who has not been confirmed. Headers would tell something about them, too. */
function forgetAnswer(c: Context<App>): void {
  c.res = undefined; // Or its headers would be added to the next response.
  c.set("reader", new Reader(c.env, c.executionCtx)); // The old one would report how they were served.
}

function withoutCookie(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.delete("cookie");
  return new Request(request.url, { method: request.method, headers });
}

/** Sets the cookie of a new session. */
export function beginSession(c: Context<App>, token: string): void {
  setCookie(c, SESSION_COOKIE, token, { ...SCOPE, maxAge: SESSION_LASTS / 1000 });
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

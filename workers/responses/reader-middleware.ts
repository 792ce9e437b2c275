import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { CONSISTENCY_TOKEN, TOKEN_LENGTH_MAX } from "../storage/consistency.ts";
import { canTell, issue, issuedText, prepareToTell } from "../storage/issued-tokens.ts";
import { Reader } from "../storage/reader.ts";
import { personShownBy } from "./kept-responses.ts";
import type { App } from "../http/routes.ts";

/**
 * Gives each request its reader, and reports in the response how it was served. A refusal does not say: what served it
 * would tell a post that the viewer may not see from one that does not exist.
 */
export const reading = createMiddleware<App>(async (c, next) => {
  const ready = prepareToTell(c.env); // At the same time as the first reads of an isolate.
  // Later requests wait for the same read. Without this it would never end if this one is refused before it has.
  c.executionCtx.waitUntil(ready);
  c.set("reader", new Reader(c.env, c.executionCtx, await ownToken(c)));
  await next();
  if (c.res.webSocket) return; // Setting headers copies the response, and a copy has no WebSocket.
  const { reader } = c.var;
  const { about } = reader;
  if (about !== undefined) personShownBy.set(c.req.raw, about);
  const { timing, isStale } = reader.served;
  if (timing !== undefined && c.res.ok) c.header("server-timing", timing);
  if (isStale && c.req.method === "GET") c.header("cache-status", STALE);
  const { token } = reader.seen;
  if (token === undefined) return;
  await ready;
  if (canTell(c.env)) c.header(CONSISTENCY_TOKEN, await issue(c.env, "consistency", token));
});

/**
 * Returns what the request's Consistency-Token says. One that was never issued counts as none: it could demand a state that
 * does not exist. Before the isolate has read the key, every token counts.
 */
async function ownToken(c: Context<App>): Promise<string | undefined> {
  const token = c.req.header(CONSISTENCY_TOKEN);
  if (token === undefined || token === "" || token.length > TOKEN_LENGTH_MAX) return undefined;
  return canTell(c.env) ? issuedText(c.env, "consistency", token) : token.slice(0, Math.max(0, token.lastIndexOf(".")));
}

/** The `Cache-Status` (RFC 9211) of a response made of earlier data, because the store with the current data failed. */
export const STALE = "Shutterline; hit; detail=stale";

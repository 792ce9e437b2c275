import { createMiddleware } from "hono/factory";
import { CONSISTENCY_TOKEN } from "../storage/consistency.ts";
import { Reader } from "../storage/reader.ts";
import { mayBePrivate } from "../reads/private-accounts.ts";
import { forgetKeptResponse, keepResponse, keptResponse, personShownBy } from "./kept-answers.ts";
import type { App } from "../http/routes.ts";

/**
 * Gives each request its reader, and reports in the response how it was served. While the databases are down, a
 * signed-in viewer gets the last response to the same request, marked as stale. There are two exceptions: a viewer with
 * a block, which the old response may not reflect, and posts of a person who may have become private since.
 */
export const reading = createMiddleware<App>(async (c, next) => {
  const reader = new Reader(c.env, c.executionCtx, c.req.header(CONSISTENCY_TOKEN));
  c.set("reader", reader);
  await next();
  if (c.res.webSocket) return; // Setting headers copies the response, and a copy has no WebSocket.
  const { person, about } = reader;
  if (about !== undefined) personShownBy.set(c.req.raw, about);
  if (person && c.req.method === "GET") {
    if (c.res.status === 200 && !reader.served.isStale)
      keepResponse(c.executionCtx, person, c.req.url, () => c.res.clone(), about);
    else if (c.res.status === 404) forgetKeptResponse(c.executionCtx, person, c.req.url);
    else if (c.res.status === 503 && !reader.hasBlocks) {
      const kept = await keptResponse(person, c.req.url);
      if (kept && (kept.about === undefined || !(await mayBePrivate(reader, [kept.about])))) {
        c.res = kept.response;
        c.header("age", String(Math.floor((Date.now() - kept.at) / 1000)));
        c.header("retry-after", undefined); // It belongs to the refusal that this response replaces.
        reader.served.isStale = true;
      }
    }
  }
  const { timing, isStale } = reader.served;
  if (timing !== undefined) c.header("server-timing", timing);
  // The result of a write is current, even if the viewer was found by a stale copy of the session.
  if (isStale && c.req.method === "GET") c.header("cache-status", STALE);
  const { token } = reader.seen;
  if (token !== undefined) c.header(CONSISTENCY_TOKEN, token);
});

/** The `Cache-Status` (RFC 9211) of a response made of earlier data, because the store with the current data failed. */
export const STALE = "Shutterline; hit; detail=stale";

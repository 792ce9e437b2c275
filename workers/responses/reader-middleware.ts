import { createMiddleware } from "hono/factory";
import { CONSISTENCY_TOKEN } from "../storage/consistency.ts";
import { Reader } from "../storage/reader.ts";
import { personShownBy } from "./kept-responses.ts";
import type { App } from "../http/routes.ts";

/** Gives each request its reader, and reports in the response how it was served. */
export const reading = createMiddleware<App>(async (c, next) => {
  c.set("reader", new Reader(c.env, c.executionCtx, c.req.header(CONSISTENCY_TOKEN)));
  await next();
  if (c.res.webSocket) return; // Setting headers copies the response, and a copy has no WebSocket.
  const { reader } = c.var;
  const { about } = reader;
  if (about !== undefined) personShownBy.set(c.req.raw, about);
  const { timing, isStale } = reader.served;
  if (timing !== undefined) c.header("server-timing", timing);
  if (isStale && c.req.method === "GET") c.header("cache-status", STALE);
  const { token } = reader.seen;
  if (token !== undefined) c.header(CONSISTENCY_TOKEN, token);
});

/** The `Cache-Status` (RFC 9211) of a response made of earlier data, because the store with the current data failed. */
export const STALE = "Shutterline; hit; detail=stale";

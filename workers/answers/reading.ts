import { createMiddleware } from "hono/factory";
import { CONSISTENCY_TOKEN } from "../storage/consistency.ts";
import { Reader } from "../storage/reader.ts";
import { mayBePrivate } from "../reads/private-accounts.ts";
import { aboutWhom, forgetAnswer, keepAnswer, keptAnswer } from "./kept-answers.ts";
import type { App } from "../http/routes.ts";

/**
 * Gives each request its reader, and tells in the answer how it was served. While the databases are down, who is signed in
 * gets what the same question was answered last, marked as stale; but for who has a block, of which it may know nothing,
 * and but for the posts of who may have become private.
 */
export const reading = createMiddleware<App>(async (c, next) => {
  const reader = new Reader(c.env, c.executionCtx, c.req.header(CONSISTENCY_TOKEN));
  c.set("reader", reader);
  await next();
  if (c.res.webSocket) return; // A copy with other headers would not be one.
  const { person, about } = reader;
  if (about !== undefined) aboutWhom.set(c.req.raw, about);
  if (person && c.req.method === "GET") {
    if (c.res.status === 200 && !reader.served.isStale)
      keepAnswer(c.executionCtx, person, c.req.url, () => c.res.clone(), about);
    else if (c.res.status === 404) forgetAnswer(c.executionCtx, person, c.req.url);
    else if (c.res.status === 503 && !reader.hasBlocks) {
      const kept = await keptAnswer(person, c.req.url);
      if (kept && (kept.about === undefined || !(await mayBePrivate(reader, [kept.about])))) {
        c.res = kept.response;
        c.header("age", String(Math.floor((Date.now() - kept.at) / 1000)));
        c.header("retry-after", undefined); // Of the refusal in whose place it stands.
        reader.served.isStale = true;
      }
    }
  }
  const { timing, isStale } = reader.served;
  if (timing !== undefined) c.header("server-timing", timing);
  // What was written is as it is said, however its writer was known.
  if (isStale && c.req.method === "GET") c.header("cache-status", STALE);
  const { token } = reader.seen;
  if (token !== undefined) c.header(CONSISTENCY_TOKEN, token);
});

/** https://www.rfc-editor.org/rfc/rfc9211: answered from what was known, because the store that knows better failed. */
export const STALE = "Shutterline; hit; detail=stale";

/** Checks every body except an upload's before it is parsed: it must be small, and UTF-8. */
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { Refusal } from "../../schema/api/refusals.ts";
import { TimeoutError, within } from "../../schema/d1/deadline.ts";
import type { App } from "./routes.ts";

/** Bounds what is parsed. An upload is streamed and has a limit of its own. */
const JSON_MAX_BYTES = 64 * 1024;

const FILES = /^\/v1\/(?:media(?:\/\w+\/poster)?|uploads(?:\/\w+)?)$/;

const small = bodyLimit({
  maxSize: JSON_MAX_BYTES,
  onError: () => {
    throw new Refusal("too_large");
  },
});

/** In ms, from the headers to the end of the body. A body that never ends would hold the request, and its memory, forever. */
export const BODY_WITHIN = 10_000;

export const jsonBodies = createMiddleware<App>(async (c, next) => {
  if (FILES.test(c.req.path) || !c.req.raw.body) return next();
  try {
    await within(BODY_WITHIN, readBody(c), "the client");
  } catch (error) {
    if (error instanceof TimeoutError) throw new Refusal("body_too_slow");
    if (error instanceof Refusal) throw error;
    // The client has gone. That is no failure of ours, so it is not logged as one.
    throw new Refusal("malformed_json", INCOMPLETE);
  }
  await next();
});

/** Hono caches the bytes that are read here, and parses them later. */
const readBody = (c: Context<App>) => small(c, () => requireUtf8(c.req.arrayBuffer()));

const INCOMPLETE = "The body ended before it was complete. Send it again.";

/** Rejects bytes that the parser would replace by U+FFFD: text is stored as it was sent, or not at all. */
async function requireUtf8(body: Promise<ArrayBuffer>): Promise<void> {
  const bytes = await body;
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal("malformed_json", "The body is not UTF-8. Encode it as UTF-8 and send it again.");
  }
}

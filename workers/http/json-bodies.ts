/** Checks every body except an upload's before it is parsed: it must be small, and UTF-8. */
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { ApiError } from "../../schema/api/refusals.ts";
import type { App } from "./routes.ts";

/** Bounds what is parsed. An upload is streamed and has a limit of its own. */
const JSON_MAX_BYTES = 64 * 1024;

const FILES = /^\/v1\/(?:media(?:\/\w+\/poster)?|uploads(?:\/\w+)?)$/;

const small = bodyLimit({
  maxSize: JSON_MAX_BYTES,
  onError: () => {
    throw new ApiError("too_large");
  },
});

export const jsonBodies = createMiddleware<App>(async (c, next) => {
  if (FILES.test(c.req.path)) return next();
  return small(c, async () => {
    if (c.req.raw.body) await requireUtf8(c.req.arrayBuffer()); // Hono caches the bytes and parses them later.
    await next();
  });
});

/** Rejects bytes that the parser would replace by U+FFFD: text is stored as it was sent, or not at all. */
async function requireUtf8(body: Promise<ArrayBuffer>): Promise<void> {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await body);
  } catch {
    throw new ApiError("malformed_json", "The body is not UTF-8. Encode it as UTF-8 and send it again.");
  }
}

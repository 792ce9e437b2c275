/** What is true of every body but an upload's before it is parsed: it is small, and it is UTF-8. */
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { ApiError } from "../../schema/api/refusals.ts";
import type { App } from "./routes.ts";

/** Bounds what is parsed; an upload is a stream with a limit of its own. */
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
    if (c.req.raw.body) await requireUtf8(c.req.arrayBuffer()); // Hono keeps it, and parses it from there.
    await next();
  });
});

/** Refuses what the parser would read as U+FFFD: text is kept as it was written, or not at all. */
async function requireUtf8(body: Promise<ArrayBuffer>): Promise<void> {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await body);
  } catch {
    throw new ApiError("malformed_json", "The body is not UTF-8");
  }
}

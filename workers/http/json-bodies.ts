/** Checks every body except an upload's before it is parsed: it must be small, and UTF-8. */
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { Refusal } from "../../schema/api/refusals.ts";
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
  const state = { isRead: false, isLate: false };
  const handled = small(c, async () => {
    await requireUtf8(c.req.arrayBuffer()); // Hono caches the bytes and parses them later.
    if (state.isLate) return; // The request has been answered.
    state.isRead = true;
    await next();
  });
  const read = async () => {
    try {
      return await handled;
    } catch (error) {
      // The sender has gone. That is no failure of ours, so it is not logged as one.
      if (!state.isRead && !(error instanceof Refusal)) throw new Refusal("malformed_json", INCOMPLETE);
      throw error;
    }
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      if (state.isRead) return;
      state.isLate = true;
      reject(new Refusal("body_too_slow"));
    }, BODY_WITHIN);
  });
  try {
    return await Promise.race([read(), late]);
  } finally {
    clearTimeout(timer);
  }
});

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

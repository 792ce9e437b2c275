import { env } from "cloudflare:workers";
import type { PersonId } from "../../../schema/ids.ts";
import { Reader } from "../../../workers/storage/reader.ts";

/** Returns a reader as within a request: for `person`, or for an anonymous viewer. */
export function readerFor(person?: PersonId, { hasBlocks = false, from = env, token = "" } = {}): Reader {
  const reader = new Reader(from, { waitUntil: () => undefined }, token);
  if (person) reader.viewer = { person, session: "" as never, hasBlocks };
  return reader;
}

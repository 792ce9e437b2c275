import { env } from "cloudflare:workers";
import type { PersonId } from "../../schema/ids.ts";
import { Reader } from "../../workers/storage/reader.ts";

/** Whoever reads in a test, as within a request. */
export function readerFor(person?: PersonId, { hasBlocks = false, from = env, token = "" } = {}): Reader {
  const reader = new Reader(from, { waitUntil: () => undefined }, token);
  if (person) reader.viewer = { person, session: "" as never, hasBlocks };
  return reader;
}

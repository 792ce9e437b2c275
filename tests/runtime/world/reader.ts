import { env } from "cloudflare:workers";
import type { PersonId } from "../../../schema/ids.ts";
import { Reader } from "../../../workers/storage/reader.ts";

/** Returns a reader as within a request: for `person`, or for an anonymous viewer. */
export function readerFor(person?: PersonId, { hasBlocks = false, from = env, token = "" } = {}): Reader {
  const reader = new Reader(from, { waitUntil: () => undefined }, token);
  // As if the session had just been read, in a state newer than any other.
  if (person) reader.actFor({ person, session: "" as never }, async () => ({ hasBlocks, at: "~" }));
  return reader;
}

/**
 * Failures of the platform below us, told apart from our own bugs: the same request may succeed later. Actors, D1 and R2
 * throw them as plain Errors, with flags or only in words, and a library may have wrapped them.
 */
import { IS_MOVING } from "../../schema/d1/shard-sql.ts";

export type Failure = "storage_full" | "busy" | "unavailable";

/** What Durable Objects say of an error beside its message. */
type Flags = { overloaded?: boolean; retryable?: boolean; durableObjectReset?: boolean };

const FULL = /SQLITE_FULL|Exceeded maximum DB size/;
const OVERLOADED = /^(D1_ERROR: )?D1 DB is overloaded/;
// The runtime hides its own failures behind a reference: among them a commit that the disk has refused. What our code in an
// actor throws comes in its own words.
const UNAVAILABLE =
  /^internal error; reference = |SQLITE_IOERR|Network connection lost|internal error\. Please try again/;
// https://developers.cloudflare.com/d1/observability/debug-d1/#error-list
const D1_UNAVAILABLE =
  /D1 DB (?:reset because|storage [\w ]*caused object to be reset)|Cannot resolve D1 DB|Replica disconnected from primary/;

/** Undefined for an error of our own making. */
export function failureOf(error: Error): Failure | undefined {
  const { message, overloaded, retryable, durableObjectReset }: Error & Flags = rootOf(error);
  if (FULL.test(message)) return "storage_full";
  // Before `retryable`: whoever is overloaded is not to be asked again soon.
  if (overloaded === true || OVERLOADED.test(message)) return "busy";
  if (message.includes(IS_MOVING)) return "unavailable"; // For some seconds, until the other database takes the write.
  if (retryable === true || durableObjectReset === true) return "unavailable";
  if (UNAVAILABLE.test(message) || D1_UNAVAILABLE.test(message)) return "unavailable";
  return undefined;
}

/** The error that began it. Those around it may quote what a client has sent, so their words say nothing about it. */
export function rootOf(error: Error): Error {
  let root = error;
  for (let depth = 0; root.cause instanceof Error && depth < 10; depth += 1) root = root.cause;
  return root;
}

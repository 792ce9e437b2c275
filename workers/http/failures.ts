/**
 * Tells failures of the platform, after which the same request may succeed later, from our own bugs. Actors, D1 and R2
 * throw them as plain Errors, marked by flags or only by their message, and a library may have wrapped them.
 */
import { IS_MOVING } from "../../schema/d1/shard-sql.ts";

export type Failure = "storage_full" | "busy" | "unavailable";

/** The flags that Durable Objects set on an error. */
type Flags = { overloaded?: boolean; retryable?: boolean; durableObjectReset?: boolean };

const FULL = /SQLITE_FULL|Exceeded maximum DB size/;
const OVERLOADED = /^(D1_ERROR: )?D1 DB is overloaded/;
// The runtime hides its own failures behind a reference, for example a commit that the disk has rejected. Errors that
// our code throws in an actor keep their message.
const UNAVAILABLE =
  /^internal error; reference = |SQLITE_IOERR|Network connection lost|internal error\. Please try again/;
// https://developers.cloudflare.com/d1/observability/debug-d1/#error-list
const D1_UNAVAILABLE =
  /D1 DB (?:reset because|storage [\w ]*caused object to be reset)|Cannot resolve D1 DB|Replica disconnected from primary/;

/** Returns the kind of platform failure, or undefined for an error of our own code. */
export function failureOf(error: Error): Failure | undefined {
  const { message, overloaded, retryable, durableObjectReset }: Error & Flags = rootOf(error);
  if (FULL.test(message)) return "storage_full";
  // Checked before `retryable`, because an overloaded store must not be retried soon.
  if (overloaded === true || OVERLOADED.test(message)) return "busy";
  if (message.includes(IS_MOVING)) return "unavailable"; // Until the target database accepts the write, seconds later.
  if (retryable === true || durableObjectReset === true) return "unavailable";
  if (UNAVAILABLE.test(message) || D1_UNAVAILABLE.test(message)) return "unavailable";
  return undefined;
}

/** Returns the innermost cause. The errors around it may quote the client's input, so their messages prove nothing. */
export function rootOf(error: Error): Error {
  let root = error;
  for (let depth = 0; root.cause instanceof Error && depth < 10; depth += 1) root = root.cause;
  return root;
}

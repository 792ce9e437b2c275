/** What a suspended person may still do. The only place that refuses their writes: every write awaits the session check. */
import { Refusal } from "../../../schema/api/refusals.ts";
import { FOREVER } from "../../../schema/moderation.ts";
import { isSafe } from "../../http/cross-site.ts";

/** Writes that only concern the own account, its notifications and the decision itself. */
const ALLOWED = [
  /^(POST|DELETE) \/v1\/sessions(\/current|\/passkey(\/options)?)?$/,
  /^(POST|PATCH|DELETE) \/v1\/me\/passkeys(\/[\w-]+)?$/,
  /^(DELETE|POST|PUT) \/v1\/me(\/(sessions|password|export)(\/\w+)*)?$/,
  /^POST \/v1\/me\/decisions\/\w{13}\/answer$/,
  /^POST \/v1\/notifications\/([\w.]+\/)?read$/,
  /^DELETE \/v1\/push-subscriptions$/,
  /^POST \/v1\/live\/tickets$/,
];

/** Throws `suspended` for a write of a person who is suspended until `until`, in ms since 1970. */
export function refuseIfSuspended(
  { method, path }: { method: string; path: string },
  until: number,
  now = Date.now(),
): void {
  if (until <= now || isSafe({ method })) return;
  if (ALLOWED.some((allowed) => allowed.test(`${method} ${path}`))) return;
  const what =
    until === FOREVER
      ? "Your account was closed."
      : `Your account is suspended until ${new Date(until).toUTCString()}.`;
  throw new Refusal("suspended", `${what} Read why under “Decisions about you”, where you can answer once.`);
}

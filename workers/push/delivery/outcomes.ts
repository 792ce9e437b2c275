/** Interprets the response of a push service (RFC 8030, sections 5 to 7). */

/**
 * The outcome of one push request:
 * - `taken`: the service accepted the push.
 * - `gone`: the subscription no longer exists.
 * - `too_large`: the service may accept a smaller push.
 * - `later`: retry after `after` seconds, if the service named a delay.
 * - `silent`: no response.
 * - `refused`: permanent, a retry would not help.
 */
export type PushOutcome =
  | { is: "taken" }
  | { is: "gone" }
  | { is: "too_large" }
  | { is: "later"; after: number | undefined; reason: string }
  | { is: "silent"; reason: string }
  | { is: "refused"; reason: string };

const BUSY = new Set([408, 425, 429]);

/** Maps the status of a response to an outcome. `now` is in ms since 1970. */
export function pushOutcomeOf({ status, headers }: Response, now = Date.now()): PushOutcome {
  const reason = String(status);
  if (status >= 200 && status < 300) return { is: "taken" };
  if (status === 404 || status === 410) return { is: "gone" };
  if (status === 413) return { is: "too_large" };
  if (status >= 500 || BUSY.has(status))
    return { is: "later", after: secondsUntil(headers.get("retry-after"), now), reason };
  return { is: "refused", reason };
}

/** Parses a `Retry-After` header, which holds seconds or a date. Returns undefined if it holds neither. */
function secondsUntil(retryAfter: string | null, now: number): number | undefined {
  if (retryAfter === null) return undefined;
  if (/^\d{1,9}$/.test(retryAfter.trim())) return Number(retryAfter);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

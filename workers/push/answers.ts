/** What a push service's answer means (RFC 8030, sections 5 to 7). */

/**
 * `gone`: nobody takes pushes there any more. `too_large`: a smaller one may be taken. `later`: not now; `after` is when it
 * says, in s. `silent`: there was no answer. `refused`: to repeat it would change nothing.
 */
export type Outcome =
  | { is: "taken" }
  | { is: "gone" }
  | { is: "too_large" }
  | { is: "later"; after: number | undefined; reason: string }
  | { is: "silent"; reason: string }
  | { is: "refused"; reason: string };

const BUSY = new Set([408, 425, 429]);

export function outcomeOf({ status, headers }: Response, now = Date.now()): Outcome {
  const reason = String(status);
  if (status >= 200 && status < 300) return { is: "taken" };
  if (status === 404 || status === 410) return { is: "gone" };
  if (status === 413) return { is: "too_large" };
  if (status >= 500 || BUSY.has(status))
    return { is: "later", after: secondsUntil(headers.get("retry-after"), now), reason };
  return { is: "refused", reason };
}

/** Of a `Retry-After`, which names seconds or a date. */
function secondsUntil(retryAfter: string | null, now: number): number | undefined {
  if (retryAfter === null) return undefined;
  if (/^\d{1,9}$/.test(retryAfter.trim())) return Number(retryAfter);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

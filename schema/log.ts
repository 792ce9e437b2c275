/**
 * The log of warnings and errors. A failure that comes again and again must not fill the log: that costs money, hides
 * other failures and, locally, keeps workerd waiting for its reader. So only a few lines a minute are written of
 * each kind of failure, which is the line's text; later lines are left out, and counted in the kind's next one.
 */

/** Lines of one kind in one minute and isolate. */
export const LINES_PER_MINUTE = 20;
const MINUTE = 60_000;
/** Characters of one detail. */
const DETAIL_MAX = 1000;
/** Texts are constants, so there are few kinds. This is for the one that is not. */
const KINDS_MAX = 200;

type Details = Record<string, unknown>;
type Kind = { until: number; lines: number; leftOut: number };

const kinds = new Map<string, Kind>();

/** Writes a warning: something failed, and will be repaired or tried again without anybody's help. */
export const logWarning = (what: string, details: Details): void => write("warn", what, details);

/** Writes an error: something failed that somebody should look at. */
export const logError = (what: string, details: Details): void => write("error", what, details);

function write(level: "warn" | "error", what: string, details: Details, now = Date.now()): void {
  const kind = kindOf(what, now);
  kind.lines += 1;
  if (kind.lines > LINES_PER_MINUTE) {
    kind.leftOut += 1;
    return;
  }
  const { leftOut } = kind;
  kind.leftOut = 0;
  const isLast = kind.lines === LINES_PER_MINUTE;
  console[level](what, {
    ...Object.fromEntries(Object.entries(details).map(([name, detail]) => [name, clipped(detail)])),
    ...(leftOut > 0 && { leftOut }),
    ...(isLast && { note: "more of these are left out for up to a minute" }),
  });
}

function kindOf(what: string, now: number): Kind {
  const last = kinds.get(what);
  if (last && now < last.until && now >= last.until - MINUTE) return last; // The clock may be set back.
  if (!last && kinds.size >= KINDS_MAX) kinds.clear();
  const kind = { until: now + MINUTE, lines: 0, leftOut: last?.leftOut ?? 0 };
  kinds.set(what, kind);
  return kind;
}

const clipped = (detail: unknown): unknown =>
  typeof detail === "string" && detail.length > DETAIL_MAX ? `${detail.slice(0, DETAIL_MAX)}...` : detail;

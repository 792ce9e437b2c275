import type { Format } from "../files/objects.ts";

/** The formats that a client must name to get them, the smaller first. */
const NAMED = ["avif", "webp"] as const;

/**
 * Returns the formats that a client with this `Accept` header takes, best first; JPEG is always last. AVIF and WebP
 * count only where they are named: image/* and *\/* are also sent by old browsers and by programs that can decode
 * neither.
 */
export function formatsFor(accept: string | undefined): Format[] {
  const weights = weightsIn(accept ?? "");
  const weightOf = (format: Format) => weights.get(`image/${format}`) ?? 0;
  const wanted = NAMED.filter((format) => weightOf(format) > 0 && weightOf(format) >= weightOf("jpeg"));
  return [...wanted.sort((a, b) => weightOf(b) - weightOf(a)), "jpeg"];
}

/** Returns the weight of each media type, 0 to 1 (RFC 9110, 12.4.2). A malformed weight counts as 0. */
function weightsIn(accept: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
    weights.set(type, /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0);
  }
  return weights;
}

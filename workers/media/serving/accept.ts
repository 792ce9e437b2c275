import type { Format } from "../objects.ts";

/** The formats that not everybody knows, the smaller first. */
const NAMED = ["avif", "webp"] as const;

/**
 * What may be sent to a client with this `Accept`, the best first; JPEG always is the last. AVIF and WebP count where they
 * are named: old browsers that know neither send image/* and *\/* as well, and so do programs that know nothing of pictures.
 */
export function formatsFor(accept: string | undefined): Format[] {
  const weights = weightsIn(accept ?? "");
  const weightOf = (format: Format) => weights.get(`image/${format}`) ?? 0;
  const wanted = NAMED.filter((format) => weightOf(format) > 0 && weightOf(format) >= weightOf("jpeg"));
  return [...wanted.sort((a, b) => weightOf(b) - weightOf(a)), "jpeg"];
}

/** Of each media type its weight, 0 to 1: RFC 9110, 12.4.2. One that cannot be read is a type that is not wanted. */
function weightsIn(accept: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
    weights.set(type, /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0);
  }
  return weights;
}

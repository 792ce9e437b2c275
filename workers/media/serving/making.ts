/**
 * Renditions that inspection has not made: AVIF once it was wanted twice, JPEG when somebody takes nothing else,
 * and WebP where an older picture lacks one. Each is made once and stored; of two isolates the first to store it decides.
 */
import type { Variant } from "../../../schema/api/media.ts";
import { within } from "../../../schema/d1/deadline.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { ApiError, type ErrorCode } from "../../../schema/api/refusals.ts";
import { Flights } from "../../storage/flights.ts";
import { Memory } from "../../storage/memory.ts";
import type { Background } from "../../../schema/background.ts";
import { Rejected } from "../inspection/rejections.ts";
import { type Format, originalKey, posterKey, renditionKey } from "../objects.ts";
import { decoding } from "../pictures/decoder.ts";
import { encoded, OtherFormat, storeRendition } from "../pictures/renditions.ts";

/** Of one file. `isVideo`: it is made of the poster. */
export type Wanted = { id: MediaId; isVideo: boolean; variant: Variant; format: Format };

/** At once in an isolate: an original of 25 MB streams through, but a rendition is in memory. */
const MAKINGS_MAX = 8;
/** Of them those that nobody waits for: an AVIF of the widest rendition takes seconds of a processor. */
const BESIDE_MAX = 1;
/** Of how many this isolate knows that they were wanted once. */
const WANTED_MAX = 20_000;
const MADE_WITHIN = 20_000; // ms; what goes on after an answer is ended after 30 s.
/** How long this isolate does not try again what has failed, in ms. */
const SPARED_FOR = 60_000;
const FAILURES_MAX = 1000;

const flights = new Flights<string, true>(MADE_WITHIN);
const wantedBefore = new Memory<string, true>(WANTED_MAX);
const failures = new Memory<string, ErrorCode>(FAILURES_MAX);
let underWay = 0;

/** Returns once it is stored. Throws `media_not_found` where there is nothing to make it of, and `busy`. */
export async function make(env: Env, background: Background, wanted: Wanted): Promise<void> {
  const key = keyOf(wanted);
  const failure = failureOf(key);
  if (failure) throw new ApiError(failure);
  await flights.read(background, [key], async () => {
    await counted(MAKINGS_MAX, key, () => made(env, background, wanted));
    return new Map([[key, true]]);
  });
}

/**
 * In the background, if there is room: whoever looks next asks for it again. Not for the first look here, since most pictures
 * are looked at by few, and each making is billed.
 */
export function makeBeside(env: Env, background: Background, wanted: Wanted): void {
  const key = keyOf(wanted);
  if (!wantedBefore.get(key)) {
    wantedBefore.set(key, true);
    return;
  }
  if (underWay >= BESIDE_MAX || flights.has(key) || failureOf(key)) return;
  background.waitUntil(make(env, background, wanted).catch(() => undefined));
}

const keyOf = ({ id, variant, format }: Wanted): string => renditionKey(id, variant, format);

function failureOf(key: string): ErrorCode | undefined {
  const failure = failures.get(key);
  return failure && Date.now() - failure.at < SPARED_FOR ? failure.value : undefined;
}

async function counted(max: number, key: string, work: () => Promise<void>): Promise<void> {
  if (underWay >= max) throw new ApiError("busy");
  underWay += 1;
  try {
    await within(MADE_WITHIN, work(), "the encoder");
  } catch (error) {
    const code = error instanceof Rejected ? "media_not_found" : "unavailable";
    failures.set(key, error instanceof ApiError ? error.code : code);
    console.warn("rendition not made", { key, error: String(error) });
    throw error instanceof Rejected ? new ApiError(code) : error;
  } finally {
    underWay -= 1;
  }
}

async function made(env: Env, background: Background, wanted: Wanted): Promise<void> {
  const { id, isVideo, variant, format } = wanted;
  const picture = isVideo ? posterKey(id) : originalKey(id);
  const before = isVideo ? await env.MEDIA.head(picture) : null;
  const bytes = format === "jpeg" ? await jpegOf(env, background, wanted) : await bytesOf(env, picture, wanted);
  await storeRendition(env, id, variant, format, bytes);
  // Its file may have been deleted meanwhile, and then nobody would find this again; a poster may have become another.
  const after = await env.MEDIA.head(picture);
  if (!after || (before && before.etag !== after.etag)) await env.MEDIA.delete(renditionKey(id, variant, format));
}

/**
 * Of the stored WebP: it is small, so nobody waits for a large original to be decoded; and it has no metadata, of which the
 * encoder would leave some in a JPEG.
 */
async function jpegOf(env: Env, background: Background, wanted: Wanted): Promise<ArrayBuffer> {
  const source = renditionKey(wanted.id, wanted.variant);
  if (!(await env.MEDIA.head(source))) await made(env, background, { ...wanted, format: "webp" });
  return bytesOf(env, source, wanted);
}

/** Nothing at all for an AVIF that is not worth it: one that cannot be made, or is no smaller than the WebP. */
async function bytesOf(env: Env, source: string, { id, variant, format }: Wanted): Promise<ArrayBuffer> {
  const picture = await env.MEDIA.get(source);
  if (!picture) throw new ApiError("media_not_found");
  try {
    const bytes = await decoding(env, "undecodable", () => encoded(picture.body, variant, format, env));
    if (format !== "avif") return bytes;
    const webp = await env.MEDIA.head(renditionKey(id, variant));
    return webp && webp.size <= bytes.byteLength ? NOTHING : bytes;
  } catch (error) {
    if (format === "avif" && (error instanceof Rejected || error instanceof OtherFormat)) return NOTHING;
    throw error;
  }
}

const NOTHING = new ArrayBuffer(0);

/**
 * Makes renditions that inspection has not made: the large ones when they are first requested, AVIF when it is requested a
 * second time, JPEG for a client that takes nothing else, and WebP where an older picture lacks one. Each is made once, stored
 * and counted to the quota of its owner; if two isolates make it, the first one wins.
 */
import { isSquare, type Rendition } from "../../../schema/api/media.ts";
import { within } from "../../../schema/d1/deadline.ts";
import type { MediaId } from "../../../schema/ids.ts";
import type { PictureSize } from "../../../schema/media/renditions.ts";
import { Refusal, type RefusalCode } from "../../../schema/api/refusals.ts";
import { Flights } from "../../storage/flights.ts";
import { Memory } from "../../storage/memory.ts";
import type { Background } from "../../../schema/background.ts";
import { logWarning } from "../../../schema/log.ts";
import { Rejected } from "../files/rejections.ts";
import { type Format, originalKey, posterKey, renditionKey, renditionName } from "../files/objects.ts";
import { rejectUndecodable } from "../pictures/decoder.ts";
import { avifFrom } from "./avif.ts";
import { countRendition } from "./counted.ts";
import { onWhite } from "../pictures/on-white.ts";
import { openPicture, readPicture } from "../pictures/opened.ts";
import { encoded, OtherFormat, squareSourceOf, storeRendition } from "../pictures/renditions.ts";
import { isTransparentWebp, TRANSPARENCY_BYTES } from "../pictures/transparency.ts";

/** A rendition of one file. For a video it is made from the poster, whose size is not known. */
export type Wanted = {
  id: MediaId;
  isVideo: boolean;
  size?: PictureSize | undefined;
  variant: Rendition;
  format: Format;
};

/** Concurrent encodings per isolate: an original of 25 MB streams through, but a rendition is held in memory. */
const ENCODINGS_MAX = 8;
/** A background encoding starts only while fewer than this run. The widest AVIF takes seconds of CPU. */
const BACKGROUND_MAX = 1;
/** How many requested renditions this isolate remembers. */
const WANTED_MAX = 20_000;
const MADE_WITHIN = 20_000; // ms; the runtime stops work 30 s after the response.
/** How long this isolate does not retry a failed encoding, in ms. */
const NOT_RETRIED_FOR = 60_000;
const FAILURES_MAX = 1000;

const flights = new Flights<string, true>(MADE_WITHIN);
const timesWanted = new Memory<string, number>(WANTED_MAX);
const failures = new Memory<string, RefusalCode>(FAILURES_MAX);
let underWay = 0;

/** Makes and stores a rendition. Throws `media_not_found` if there is nothing to make it from, and `busy`. */
export async function makeRendition(env: Env, background: Background, wanted: Wanted): Promise<void> {
  const key = keyOf(wanted);
  const failure = failureOf(key);
  if (failure) throw new Refusal(failure);
  await flights.read(background, [key], async () => {
    await limited(ENCODINGS_MAX, key, () => makeAndStore(env, background, wanted));
    return new Map([[key, true]]);
  });
}

/**
 * Makes an AVIF in the background if there is capacity; otherwise a later request tries again. The first requests in an
 * isolate are only counted (AVIF_FROM), because most pictures have few viewers and each encoding is billed.
 */
export function makeInBackground(env: Env, background: Background, wanted: Wanted): void {
  const key = keyOf(wanted);
  const times = (timesWanted.get(key)?.value ?? 0) + 1;
  timesWanted.set(key, times);
  if (times < avifFrom(env)) return;
  if (underWay >= BACKGROUND_MAX || flights.has(key) || failureOf(key)) return;
  background.waitUntil(makeRendition(env, background, wanted).catch(() => undefined));
}

const keyOf = ({ id, variant, format }: Wanted): string => renditionKey(id, variant, format);

function failureOf(key: string): RefusalCode | undefined {
  const failure = failures.get(key);
  return failure && Date.now() - failure.at < NOT_RETRIED_FOR ? failure.value : undefined;
}

/** Runs `work` and remembers its failure. Throws `busy` when `max` encodings already run in this isolate. */
async function limited(max: number, key: string, work: () => Promise<void>): Promise<void> {
  if (underWay >= max) throw new Refusal("busy");
  underWay += 1;
  try {
    await within(MADE_WITHIN, work(), "the encoder");
  } catch (error) {
    const code = error instanceof Rejected ? "media_not_found" : "unavailable";
    failures.set(key, error instanceof Refusal ? error.code : code);
    logWarning("rendition not made", { key, error: String(error) });
    throw error instanceof Rejected ? new Refusal(code) : error;
  } finally {
    underWay -= 1;
  }
}

/** Makes and stores a rendition, and deletes it again if its source was deleted or replaced meanwhile. */
async function makeAndStore(env: Env, background: Background, wanted: Wanted): Promise<void> {
  const { id, isVideo, variant, format } = wanted;
  const picture = isVideo ? posterKey(id) : originalKey(id);
  const before = isVideo ? await env.MEDIA.head(picture) : null;
  const source = isSquare(variant) ? await squareSourceOf(env, id) : picture;
  const bytes = format === "jpeg" ? await jpegOf(env, background, wanted) : await bytesOf(env, source, wanted);
  await storeCounted(env, wanted, bytes);
  // The file may have been deleted meanwhile, and then nothing would find this rendition again; or its poster was
  // replaced.
  const after = await env.MEDIA.head(picture);
  if (after && (!before || before.etag === after.etag)) return;
  await env.MEDIA.delete(renditionKey(id, variant, format));
  await countRendition(env, id, renditionName(variant, format), 0);
}

/**
 * Counts a rendition and stores it. In this order, because nobody would count one that is stored, while one that is counted
 * and then not stored is made and counted again in its place. Throws `media_not_found` if the file is gone.
 */
async function storeCounted(env: Env, { id, variant, format }: Wanted, bytes: ArrayBuffer): Promise<void> {
  const count = (size: number) => countRendition(env, id, renditionName(variant, format), size);
  if (!(await count(bytes.byteLength))) throw new Refusal("media_not_found");
  if (await storeRendition(env, id, variant, format, bytes)) return;
  // Another isolate was faster, and an encoder may return other bytes the second time.
  const stored = await env.MEDIA.head(renditionKey(id, variant, format));
  if (stored && stored.size !== bytes.byteLength) await count(stored.size);
}

/**
 * Makes a JPEG from the stored WebP. The WebP is small, so nobody waits for a large original to be decoded; and it has
 * no metadata, whereas the encoder would carry some from an original into a JPEG.
 */
async function jpegOf(env: Env, background: Background, wanted: Wanted): Promise<ArrayBuffer> {
  const source = renditionKey(wanted.id, wanted.variant);
  const beginning = () => env.MEDIA.get(source, { range: { offset: 0, length: TRANSPARENCY_BYTES } });
  let start = await beginning();
  if (!start) {
    await makeRendition(env, background, { ...wanted, format: "webp" });
    start = await beginning();
  }
  if (!start) throw new Refusal("media_not_found");
  const isTransparent = isTransparentWebp(new Uint8Array(await start.arrayBuffer()));
  return (isTransparent && (await onWhiteOf(env, source, wanted))) || bytesOf(env, source, wanted);
}

/** Returns the JPEG of a transparent picture on white, or undefined if that has to be left to the encoder's own option. */
async function onWhiteOf(env: Env, source: string, { variant, size }: Wanted): Promise<ArrayBuffer | undefined> {
  try {
    const png = await env.IMAGES.input(await readPicture(env, source)).output({ format: "image/png", anim: false });
    return await encoded(await onWhite(png.image()), { variant, format: "jpeg", size }, env);
  } catch (error) {
    logWarning("transparency left to the encoder", { source, error: String(error) });
    return undefined;
  }
}

/** Returns no bytes for an AVIF that is not worth serving: one that cannot be made, or is no smaller than the WebP. */
async function bytesOf(env: Env, source: string, { id, variant, format, size }: Wanted): Promise<ArrayBuffer> {
  const picture = await env.MEDIA.get(source);
  if (!picture) throw new Refusal("media_not_found");
  try {
    const bytes = await rejectUndecodable(env, "undecodable", () =>
      encoded(openPicture(picture), { variant, format, size }, env),
    );
    if (format !== "avif") return bytes;
    const webp = await env.MEDIA.head(renditionKey(id, variant));
    return webp && webp.size <= bytes.byteLength ? NOTHING : bytes;
  } catch (error) {
    if (format === "avif" && (error instanceof Rejected || error instanceof OtherFormat)) return NOTHING;
    throw error;
  }
}

const NOTHING = new ArrayBuffer(0);

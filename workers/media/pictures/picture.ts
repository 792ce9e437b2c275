/** Inspects a stored picture: describes it, makes its renditions, and keeps it moving if it moves. */
import type { MediaDetails } from "../../../schema/media/media-details.ts";
import { isVideo, type MediaType } from "../../../schema/media/media-types.ts";
import { storedBytes } from "../bytes/byte-source.ts";
import type { Findings, Original } from "../files/findings.ts";
import { Rejected, type Rejection } from "../files/rejections.ts";
import { originalKey, renditionKey } from "../files/objects.ts";
import { type Header, readHeader } from "./formats/header.ts";
import type { Size } from "./formats/size.ts";
import { type Moving, motionOf, storeMoving } from "./moving/motion.ts";
import { makeRenditions, type Renditions, sizeOfAll, storeRenditions } from "./renditions.ts";
import { expectedSize, hasSameBound, sizeOfRendition, uprightSize } from "./upright-size.ts";
import { isPixelArt } from "./pixel-art.ts";
import { thumbhashOf } from "./thumbhash.ts";

/** Describes a picture and stores what is served of it. Throws `Rejected` when the file is at fault. */
export async function inspectPicture(env: Env, original: Original): Promise<Findings> {
  const { id, contentType, bytes } = original;
  if (isVideo(contentType)) throw new Error(`${id} is a video`);
  const source = storedBytes(env, originalKey(id), bytes);
  const header = await readHeader(source, contentType);
  const moving = await motionOf(source, contentType, header);
  const made = (size: Size) => decoded(env, originalKey(id), size, rejectionIfUndecodable(contentType, header));
  const expected = expectedSize(header.stored, header.turned);
  let renditions = await made(expected);
  const size = uprightSize(header.stored, sizeOfRendition(renditions.w1080), header.turned);
  // A very long picture that the decoder has turned or cropped otherwise than its header says needs other widths.
  if (!hasSameBound(size, expected)) renditions = await made(size);
  await storeRenditions(env, id, renditions);
  // Made from a rendition, which is small and already upright.
  const thumbhash = await thumbhashOf(env, renditionKey(id, "w320"));
  const movingBytes = moving ? await storeMoving(env, id, moving, source) : 0;
  const pixelArt = await isPixelArt(env, original, size);
  return {
    ...size,
    details: {
      ...detailsOf(header, moving),
      ...(pixelArt && { pixelArt }),
      thumbhash,
    },
    derivedBytes: sizeOfAll(renditions) + movingBytes,
  };
}

/** Returns a rejection that names the format if it is one that not every deployment's decoder takes. */
function rejectionIfUndecodable(type: MediaType, { frames }: Header): Rejection {
  if (type === "image/heic") return "heic_not_decoded";
  return type === "image/avif" && frames > 1 ? "animated_avif" : "undecodable";
}

async function decoded(env: Env, source: string, size: Size, rejection: Rejection): Promise<Renditions> {
  try {
    return await makeRenditions(env, source, size);
  } catch (error) {
    throw error instanceof Rejected && error.code === "undecodable" ? new Rejected(rejection, { cause: error }) : error;
  }
}

function detailsOf({ exif, colorProfile, frames, carries }: Header, moving: Moving | undefined): MediaDetails {
  return {
    ...(exif.orientation !== null && { orientation: exif.orientation }),
    ...(exif.takenAt !== null && { takenAt: exif.takenAt }),
    ...(exif.takenOffset !== null && { takenOffset: exif.takenOffset }),
    ...(exif.camera !== null && { camera: exif.camera }),
    ...(exif.lens !== null && { lens: exif.lens }),
    ...(colorProfile !== null && { colorProfile }),
    ...(frames > 1 && { frames }),
    ...(moving && { motion: moving.motion }),
    // A moving picture keeps the colours of its file.
    removed: moving?.motion === "kept" ? carries.filter((part) => part !== "hdr") : carries,
  };
}

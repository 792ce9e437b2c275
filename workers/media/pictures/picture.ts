/** Inspects a stored picture: describes it and makes its renditions. */
import type { MediaDetails } from "../../../schema/media/media-details.ts";
import { isVideo, type MediaType } from "../../../schema/media/media-types.ts";
import { storedBytes } from "../bytes/byte-source.ts";
import type { Findings, Original } from "../files/findings.ts";
import { Rejected, type Rejection } from "../files/rejections.ts";
import { originalKey, renditionKey } from "../files/objects.ts";
import { type Header, readHeader } from "./formats/header.ts";
import { makeRenditions, type Renditions, sizeOfAll, storeRenditions } from "./renditions.ts";
import { sizeOfRendition, uprightSize } from "./upright-size.ts";
import { thumbhashOf } from "./thumbhash.ts";

/** Describes a picture and stores its renditions. Throws `Rejected` when the file is at fault. */
export async function inspectPicture(env: Env, { id, contentType, bytes }: Original): Promise<Findings> {
  if (isVideo(contentType)) throw new Error(`${id} is a video`);
  const header = await readHeader(storedBytes(env, originalKey(id), bytes), contentType);
  const renditions = await decoded(env, originalKey(id), rejectionIfUndecodable(contentType, header));
  const size = uprightSize(header.stored, sizeOfRendition(renditions.w1080), header.turned);
  await storeRenditions(env, id, renditions);
  // Made from a rendition, which is small and already upright.
  const thumbhash = await thumbhashOf(env, renditionKey(id, "w320"));
  return { ...size, details: { ...detailsOf(header), thumbhash }, derivedBytes: sizeOfAll(renditions) };
}

/** Returns a rejection that names the format if it is one that not every deployment's decoder takes. */
function rejectionIfUndecodable(type: MediaType, { frames }: Header): Rejection {
  if (type === "image/heic") return "heic_not_decoded";
  return type === "image/avif" && frames > 1 ? "animated_avif" : "undecodable";
}

async function decoded(env: Env, source: string, rejection: Rejection): Promise<Renditions> {
  try {
    return await makeRenditions(env, source);
  } catch (error) {
    throw error instanceof Rejected && error.code === "undecodable" ? new Rejected(rejection, { cause: error }) : error;
  }
}

function detailsOf({ exif, colorProfile, frames, carries }: Header): MediaDetails {
  return {
    ...(exif.orientation !== null && { orientation: exif.orientation }),
    ...(exif.takenAt !== null && { takenAt: exif.takenAt }),
    ...(exif.takenOffset !== null && { takenOffset: exif.takenOffset }),
    ...(exif.camera !== null && { camera: exif.camera }),
    ...(exif.lens !== null && { lens: exif.lens }),
    ...(colorProfile !== null && { colorProfile }),
    ...(frames > 1 && { frames }),
    removed: carries,
  };
}

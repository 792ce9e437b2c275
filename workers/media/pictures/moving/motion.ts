/**
 * Keeps pictures moving. What is served is a copy of the file without metadata, made without decoding it, like that of a
 * video. A picture for which that is not possible is shown as a still, and its owner is told why before it is published.
 */
import type { MediaId } from "../../../../schema/ids.ts";
import type { Motion } from "../../../../schema/media/media-details.ts";
import { isMovingType, type MovingType, type PictureType } from "../../../../schema/media/media-types.ts";
import { type ByteSource, Metered } from "../../bytes/byte-source.ts";
import { movingKey } from "../../files/objects.ts";
import { type Header, WHOLE } from "../formats/header.ts";
import { chunksOf, type Copy } from "./copy.ts";
import { copyOfGif } from "./gif-copy.ts";
import { copyOfPng } from "./png-copy.ts";
import { copyOfWebp } from "./webp-copy.ts";

/** Limits of what moves: the browser of a phone decodes frame after frame, again and again. */
export const MOVING_FRAMES_MAX = 1000;
/** In pixels: of one frame, of which a browser holds a few with 4 bytes a pixel, and of all frames together. */
export const FRAME_PIXELS_MAX = 8_000_000;
export const MOVING_PIXELS_MAX = 200_000_000;
/** Phones load it whole, and it starts when enough is there. */
export const MOVING_BYTES_MAX = 16 * 1024 * 1024;

type Copier = (source: ByteSource) => Promise<Copy>;

const COPIERS: Record<MovingType, Copier> = {
  "image/gif": copyOfGif,
  "image/png": copyOfPng,
  "image/webp": copyOfWebp,
};

/** A moving picture: whether its motion is kept and, if it is, the copy to store. */
export type Moving = { motion: Exclude<Motion, "kept"> } | { motion: "kept"; type: MovingType; copy: Copy };

/**
 * Returns how a picture moves, or undefined for a still. Throws `Rejected` if a frame is damaged or the file is cut off.
 * Costs one read for each MB of a moving picture.
 */
export async function motionOf(source: ByteSource, type: PictureType, header: Header): Promise<Moving | undefined> {
  const { frames, framePixels, exif } = header;
  if (frames === 1) return undefined;
  if (!isMovingType(type)) return { motion: "unsupported" };
  // The stills are made upright, and frames can only be turned by decoding them.
  if ((exif.orientation ?? 1) > 1) return { motion: "turned" };
  if (frames > MOVING_FRAMES_MAX) return { motion: "too_many_frames" };
  if (framePixels > FRAME_PIXELS_MAX || framePixels * frames > MOVING_PIXELS_MAX) return { motion: "too_many_pixels" };
  const copy = await COPIERS[type](new Metered(source, WHOLE.bytesMax, WHOLE.readsMax));
  return copy.bytes > MOVING_BYTES_MAX ? { motion: "too_large" } : { motion: "kept", type, copy };
}

/**
 * Stores the copy of a moving picture, unless it is stored, and returns its size. Storing it again would change nothing,
 * because the same original has the same copy. Costs one HEAD, one read for each MB of the original, and one put.
 */
export async function storeMoving(env: Env, id: MediaId, moving: Moving, original: ByteSource): Promise<number> {
  if (moving.motion !== "kept") return 0;
  const { type, copy } = moving;
  if (!(await env.MEDIA.head(movingKey(id)))) {
    const { readable, writable } = new FixedLengthStream(copy.bytes);
    const stored = env.MEDIA.put(movingKey(id), readable, { httpMetadata: { contentType: type } });
    await Promise.all([stored, pump(copy, original, writable.getWriter())]);
  }
  return copy.bytes;
}

async function pump(copy: Copy, original: ByteSource, writer: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of chunksOf(copy, original)) await writer.write(chunk);
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => undefined); // Ends the put.
    throw error;
  }
}

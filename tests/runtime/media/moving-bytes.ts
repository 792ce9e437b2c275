/** Moving pictures of every type, assembled byte by byte, with room for what may be hidden in them. Needs no runtime. */
import type { MovingType } from "../../../schema/media/media-types.ts";
import {
  bytes,
  chunk,
  GIF_END,
  GIF_LOOPS_FOR_EVER,
  gifExtension,
  gifFrame,
  gifHead,
  ihdr,
  le16,
  le24,
  PNG_SIGNATURE,
  riffChunk,
  u16,
  u32,
  vp8x,
  webp,
} from "./picture-bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Between two frames, in ms. */
export const DELAY = 120;

// GIF

export const gifDelay = (ms = DELAY): Uint8Array => gifExtension(0xf9, bytes(0, le16(ms / 10), 0));

/** Makes a GIF of `frames` frames, each after what `before` returns for it. */
export const movingGif = (frames = 3, before: (frame: number) => Uint8Array = () => bytes(), end = GIF_END): Bytes =>
  bytes(
    gifHead(4, 3),
    GIF_LOOPS_FOR_EVER,
    ...Array.from({ length: frames }, (_, frame) => bytes(before(frame), gifDelay(), gifFrame)),
    end,
  );

// PNG

/** One grey pixel, compressed without compression. */
const PIXEL = bytes(0x78, 1, 1, 2, 0, 0xfd, 0xff, 0, 0x80, 0, 0x82, 0, 0x81);

export const frameControl = (number: number, width = 1, height = 1, left = 0): Bytes =>
  chunk("fcTL", bytes(u32(number), u32(width), u32(height), u32(left), u32(0), u16(DELAY), u16(1000), 0, 0));
export const frameData = (number: number): Bytes => chunk("fdAT", bytes(u32(number), PIXEL));
export const announced = (frames: number): Bytes => chunk("acTL", bytes(u32(frames), u32(0)));
export const pixelData = chunk("IDAT", PIXEL);

export const pngOf = (...chunks: Uint8Array[]): Bytes => bytes(PNG_SIGNATURE, ...chunks, chunk("IEND"));

/** Makes a PNG of `frames` frames of one pixel, with what `between` returns before each frame. */
export const movingPng = (frames = 3, between: (frame: number) => Uint8Array = () => bytes()): Bytes =>
  pngOf(
    ihdr(1, 1),
    announced(frames),
    ...Array.from({ length: frames }, (_, frame) =>
      frame === 0
        ? bytes(between(0), frameControl(0), pixelData)
        : bytes(between(frame), frameControl(2 * frame - 1), frameData(2 * frame)),
    ),
  );

// WebP

/** A lossless picture of one pixel. */
export const LOSSLESS = riffChunk("VP8L", bytes(0x2f, 0, 0, 0, 0x10, 7, 0x10, 0x11, 0x11, 0x88, 0x88, 0xfe, 7, 0));

/** Makes a frame of `parts`. `reserved` are bits without a meaning. */
export const webpFrame = (parts: Uint8Array[] = [LOSSLESS], { width = 1, left = 0, reserved = 0 } = {}): Uint8Array =>
  riffChunk("ANMF", bytes(le24(left / 2), le24(0), le24(width - 1), le24(0), le24(DELAY), reserved << 2, ...parts));

export const WEBP_LOOPS_FOR_EVER = riffChunk("ANIM", bytes(u32(0), le16(0)));

/** Makes a WebP of `frames` frames of one pixel, each after what `before` returns for it. */
export const movingWebp = (frames = 3, before: (frame: number) => Uint8Array = () => bytes(), flags = 0): Bytes =>
  webp(
    vp8x(1, 1, 2 | flags),
    WEBP_LOOPS_FOR_EVER,
    ...Array.from({ length: frames }, (_, frame) => bytes(before(frame), webpFrame())),
  );

/** A clean moving picture of each type, with three frames. */
export const MOVING: Record<MovingType, Bytes> = {
  "image/gif": movingGif(),
  "image/png": movingPng(),
  "image/webp": movingWebp(),
};

/** Moving pictures with something hidden in every place where a format has room for it, and ones that lie. */
import { describe, expect, it } from "vitest";
import { copied } from "../../../../tests/runtime/media/copied.ts";
import {
  announced,
  frameControl,
  frameData,
  LOSSLESS,
  MOVING,
  movingGif,
  movingPng,
  movingWebp,
  pixelData,
  pngOf,
  WEBP_LOOPS_FOR_EVER,
  webpFrame,
} from "../../../../tests/runtime/media/moving-bytes.ts";
import {
  bytes,
  chunk,
  GIF_END,
  GIF_LOOPS_FOR_EVER,
  gifControl,
  gifExtension,
  gifFrame,
  gifHead,
  ihdr,
  le16,
  PNG_SIGNATURE,
  riffChunk,
  tiff,
  u32,
  vp8x,
  webp,
} from "../../../../tests/runtime/media/picture-bytes.ts";

import { bytesInMemory, Metered } from "../../bytes/byte-source.ts";
import { chunksOf } from "./copy.ts";
import { readHeader } from "../formats/header.ts";
import { copyOfGif } from "./gif-copy.ts";
import { motionOf } from "./motion.ts";

const SECRET = "51.5007N";
const EXIF = tiff({ orientation: 1, make: SECRET, model: "Phone", taken: "2026:05:01 12:30:59" });
const XMP = `<x:xmpmeta exif:GPSLatitude='${SECRET}'/>`;
/** 256 bytes that lead a reader of blocks to their end, wherever in the text it is. */
const XMP_TRAILER = bytes(1, ...Array.from({ length: 256 }, (_, index) => 255 - index));

describe("a GIF", () => {
  const clean = MOVING["image/gif"];

  it("is copied without what is hidden between its frames", async () => {
    const hidden = [
      gifExtension(0xfe, SECRET, SECRET),
      gifExtension(0xff, "XMP DataXMP", XMP),
      bytes(0x21, 0xff, 11, "XMP DataXMP", XMP, XMP_TRAILER, 0),
      gifExtension(0xff, "ICCRGBG1012", SECRET),
      gifExtension(0xff, "MGK8BIM0000", SECRET),
      gifExtension(0x01, bytes(new Uint8Array(12)), SECRET),
      gifExtension(0x77, SECRET),
    ];
    for (const extension of hidden) expect(await copied(movingGif(3, () => extension))).toEqual(clean);
    expect(await copied(movingGif(3, () => bytes(...hidden)))).toEqual(clean);
  });

  it("is copied without what follows its end, its control bytes and its number of repetitions", async () => {
    expect(await copied(bytes(clean, SECRET, clean))).toEqual(clean);
    const control = gifExtension(0xf9, bytes(0, le16(12), 0, SECRET), SECRET);
    const frames = [1, 2, 3].map(() => bytes(control, gifFrame));
    const loops = gifExtension(0xff, "NETSCAPE2.0", bytes(2, 0, 0, 0, 0), bytes(1, le16(0), SECRET), SECRET);
    expect(await copied(bytes(gifHead(4, 3), loops, ...frames, GIF_END))).toEqual(clean);
  });

  it("keeps the number of repetitions, also of the other name, and the last control before a frame", async () => {
    const thrice = gifExtension(0xff, "ANIMEXTS1.0", bytes(1, le16(3)));
    const frames = [gifControl, gifFrame, gifControl, gifFrame];
    const file = bytes(gifHead(4, 3), thrice, ...frames, GIF_END);
    expect(await copied(file)).toEqual(file);
    const twice = bytes(gifHead(4, 3), thrice, gifExtension(0xf9, bytes(1, 2, 3, 4)), ...frames, GIF_END);
    expect(await copied(twice)).toEqual(file);
    const other = bytes(gifHead(4, 3), gifExtension(0xff, "NETSCAPE1.0", bytes(1, 0, 0)), ...frames, GIF_END);
    expect(await copied(other)).toEqual(bytes(gifHead(4, 3), ...frames, GIF_END));
  });

  it("may lack its last byte, or have zeros before it, but may not break off otherwise", async () => {
    expect(await copied(clean.slice(0, -1))).toEqual(clean);
    expect(await copied(bytes(clean.slice(0, -1), 0, 0, GIF_END, SECRET))).toEqual(clean);
    expect(await copied(bytes(clean.slice(0, -1), 0, 0))).toEqual(clean);
    expect(await copied(bytes(clean.slice(0, -1), new Uint8Array(99), GIF_END))).toBe("corrupt");
    expect(await copied(bytes(clean.slice(0, -1), 0, gifFrame, GIF_END))).toBe("corrupt");
    expect(await copied(bytes(clean.slice(0, -1), gifControl))).toBe("corrupt");
    expect(await copied(bytes(clean.slice(0, -1), 0x21, 0xfe, 200, SECRET))).toBe("corrupt");
    expect(await copied(bytes(clean.slice(0, -1), SECRET))).toBe("corrupt");
    expect(await copied(bytes(clean.slice(0, -1), 0x21, 0xf9, 1, 1, 0, gifFrame, GIF_END))).toBe("corrupt");
  });
});

describe("a PNG", () => {
  const clean = MOVING["image/png"];

  it("is copied without what is hidden between its frames", async () => {
    const hidden = [
      chunk("tEXt", bytes("Comment\0", SECRET)),
      chunk("zTXt", bytes("Comment\0\0", SECRET)),
      chunk("iTXt", bytes("XML:com.adobe.xmp\0\0\0\0\0", XMP)),
      chunk("eXIf", EXIF),
      chunk("tIME", bytes(0, 0, 0, 0, 0, 0, 0)),
      chunk("iCCP", bytes(SECRET, "\0\0", SECRET)),
      chunk("gAMA", bytes(SECRET)), // Longer than it can be.
      chunk("sBIT", bytes(SECRET)),
      chunk("pHYs", bytes(SECRET, 0)),
      chunk("prVt", bytes(SECRET)),
    ];
    for (const part of hidden) expect(await copied(movingPng(3, () => part))).toEqual(clean);
    expect(
      await copied(
        bytes(
          movingPng(3, () => bytes(...hidden)),
          SECRET,
        ),
      ),
    ).toEqual(clean);
    expect(await copied(bytes(clean.slice(0, -12), chunk("IEND", bytes(SECRET)), SECRET))).toEqual(clean);
  });

  it("keeps its colours once, and only before its picture", async () => {
    const colours = bytes(chunk("sRGB", bytes(0)), chunk("gAMA", u32(45_455)), chunk("tRNS", bytes(0, 1)));
    const once = pngOf(ihdr(1, 1), colours, announced(2), frameControl(0), pixelData, frameControl(1), frameData(2));
    expect(await copied(once)).toEqual(once);
    const often = [colours, colours, announced(2), frameControl(0), pixelData, colours, frameControl(1), frameData(2)];
    expect(await copied(pngOf(ihdr(1, 1), ...often))).toEqual(once);
  });

  it("states as many frames as it has", async () => {
    const frames = [frameControl(0), pixelData, frameControl(1), frameData(2)];
    const file = pngOf(ihdr(1, 1), announced(2), ...frames);
    expect(await copied(pngOf(ihdr(1, 1), announced(1999), ...frames))).toEqual(file);
  });

  it("may have a first picture that is no frame", async () => {
    const file = pngOf(
      ihdr(1, 1),
      announced(2),
      pixelData,
      frameControl(0),
      frameData(1),
      frameControl(2),
      frameData(3),
    );
    expect(await copied(file)).toEqual(file);
  });

  it.each<[string, Uint8Array[]]>([
    ["begin with another number", [frameControl(1), pixelData, frameControl(2), frameData(3)]],
    ["repeat a number", [frameControl(0), pixelData, frameControl(1), frameData(1)]],
    ["go back", [frameControl(0), pixelData, frameControl(2), frameData(1)]],
    ["lack data", [frameControl(0), pixelData, frameControl(1)]],
    ["lack data in the middle", [frameControl(0), pixelData, frameControl(1), frameControl(2), frameData(3)]],
    ["lack a head", [frameControl(0), pixelData, frameData(1), frameControl(2), frameData(3)]],
    ["lack a picture", [frameControl(0), frameData(1), frameControl(2), frameData(3)]],
    ["return to the first picture", [frameControl(0), pixelData, frameControl(1), pixelData, frameData(2)]],
    ["leave the picture", [frameControl(0), pixelData, frameControl(1, 1, 1, 1), frameData(2)]],
    ["are empty", [frameControl(0), pixelData, frameControl(1, 1, 0), frameData(2)]],
    ["begin smaller than the picture", [frameControl(0, 1, 1), pixelData, frameControl(1, 2, 2), frameData(2)]],
    ["have too much in a head", [frameControl(0), pixelData, chunk("fcTL", new Uint8Array(27)), frameData(2)]],
  ])("is damaged if its frames %s", async (_, frames) => {
    expect(await copied(pngOf(ihdr(1, 1), announced(2), ...frames))).toBe("corrupt");
  });

  it("is damaged if a checksum, its end or its beginning is wrong", async () => {
    const flipped = clean.with(clean.length - 30, (clean.at(-30) ?? 0) ^ 1); // In the last frame.
    expect(await copied(flipped)).toBe("corrupt");
    expect(await copied(clean.slice(0, -12))).toBe("corrupt");
    expect(await copied(movingPng(3, (frame) => (frame === 1 ? ihdr(1, 1) : bytes())))).toBe("corrupt");
    const long = bytes(PNG_SIGNATURE, chunk("IHDR", bytes(u32(1), u32(1), 8, 0, 0, 0, 0, SECRET)));
    expect(await copied(bytes(long, clean.slice(8 + 25)))).toBe("corrupt");
  });

  it("is a still without an announcement before its picture", async () => {
    const frames = [frameControl(0), pixelData, frameControl(1), frameData(2)];
    expect(await copied(pngOf(ihdr(1, 1), ...frames))).toBe("still");
    expect(await copied(pngOf(ihdr(1, 1), pixelData, announced(2), ...frames.slice(2)))).toBe("still");
  });
});

describe("a WebP", () => {
  const clean = MOVING["image/webp"];

  it("is copied without what is hidden between its frames, and without the flags of it", async () => {
    const hidden = [
      riffChunk("EXIF", EXIF),
      riffChunk("XMP ", XMP),
      riffChunk("ICCP", SECRET),
      riffChunk("UNKN", `${SECRET}!`),
      riffChunk("VP8L", SECRET), // A picture beside the frames.
      riffChunk("ANIM", SECRET), // A second one.
    ];
    for (const part of hidden) expect(await copied(movingWebp(3, () => part, 0x2c))).toEqual(clean);
    expect(
      await copied(
        bytes(
          movingWebp(3, () => bytes(...hidden), 0x2e),
          SECRET,
        ),
      ),
    ).toEqual(clean);
  });

  it("is copied without what is hidden within frames and heads", async () => {
    const dirty = webpFrame(
      [riffChunk("XMP ", XMP), LOSSLESS, riffChunk("EXIF", EXIF), riffChunk("VP8L", SECRET), bytes("tail")],
      { reserved: 63 },
    );
    const transparent = webpFrame([riffChunk("ALPH", SECRET), LOSSLESS]); // A lossless picture has no use for it.
    const canvas = riffChunk("VP8X", bytes(vp8x(1, 1, 0x2e).subarray(8), SECRET));
    const loops = riffChunk("ANIM", bytes(u32(0), le16(0), SECRET));
    expect(await copied(webp(canvas, loops, dirty, dirty, transparent))).toEqual(clean);
  });

  it("keeps transparency beside a lossy picture, and clears the bytes that fill it up", async () => {
    const lossy = bytes("VP8 ", u32(11).reverse(), bytes(0x10, 0, 0, 0x9d, 1, 0x2a, 1, 0, 1, 0, 7), 0);
    const alpha = riffChunk("ALPH", bytes(0, 255, 1));
    const file = webp(vp8x(1, 1, 0x12), WEBP_LOOPS_FOR_EVER, webpFrame([alpha, lossy]), webpFrame([lossy]));
    expect(await copied(file)).toEqual(file);
    const filled = bytes(lossy.slice(0, -1), "S");
    const twice = webpFrame([alpha, alpha, filled]);
    expect(await copied(webp(vp8x(1, 1, 0x12), WEBP_LOOPS_FOR_EVER, twice, webpFrame([filled])))).toEqual(file);
  });

  const pair = (second: Uint8Array) => webp(vp8x(1, 1, 2), WEBP_LOOPS_FOR_EVER, webpFrame(), second);
  it.each<[string, Uint8Array]>([
    ["is larger than its frame", pair(webpFrame([LOSSLESS], { width: 2 }))],
    ["leaves the picture", pair(webpFrame([LOSSLESS], { left: 2 }))],
    ["is not there", pair(webpFrame([riffChunk("ALPH", SECRET)]))],
    ["is longer than its frame", pair(webpFrame([bytes("VP8L", u32(99).reverse(), LOSSLESS.subarray(8))]))],
    ["is none", pair(webpFrame([riffChunk("VP8L", SECRET)]))],
    ["lacks its head", pair(riffChunk("ANMF", "short"))],
    ["comes before the repetitions", webp(vp8x(1, 1, 2), webpFrame(), WEBP_LOOPS_FOR_EVER, webpFrame())],
    ["comes without the repetitions", webp(vp8x(1, 1, 2), webpFrame(), webpFrame())],
    ["comes with too short repetitions", webp(vp8x(1, 1, 2), riffChunk("ANIM", "no"), webpFrame(), webpFrame())],
  ])("is damaged if a frame %s", async (_, file) => {
    expect(await copied(file)).toBe("corrupt");
  });

  it("is a still without the flag of motion", async () => {
    expect(await copied(webp(vp8x(1, 1, 0), WEBP_LOOPS_FOR_EVER, webpFrame(), webpFrame()))).toBe("still");
  });
});

describe.each(Object.entries(MOVING))("a clean %s", (type, file) => {
  it("is copied byte for byte", async () => {
    expect(await copied(file)).toEqual(file);
  });

  it("is rejected when it is truncated anywhere, except a GIF after a frame", async () => {
    for (let length = 40; length < file.length; length += 1) {
      const end = await copied(file.slice(0, length));
      // Up to there, nothing says that it moves.
      const mayBeStill = type === "image/gif" || length < 53;
      if (typeof end === "string") expect(["corrupt", mayBeStill && "still"], `${length} bytes`).toContain(end);
      else expect([type, end.length], `${length} bytes`).toEqual(["image/gif", length + 1]);
    }
  });

  it("is rejected or copied to a file that is its own copy, with any bit flipped", async () => {
    let copies = 0;
    for (let bit = 16 * 8; bit < file.length * 8; bit += 1) {
      const flipped = file.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const copy = await copied(flipped);
      if (typeof copy === "string") continue;
      copies += 1;
      expect(await copied(copy)).toEqual(copy);
    }
    expect(copies).toBeGreaterThan(type === "image/png" ? -1 : 0);
  });
});

it("ends with the right code when there are too many frames, chunks or pixels, or a turned picture", async () => {
  expect(await copied(movingGif(10_000))).toBe("too_many_frames");
  for (const many of [movingGif(1001), movingPng(1001), movingWebp(1001)]) {
    const before = performance.now();
    expect(await copied(many)).toBe("too_many_frames");
    expect(performance.now() - before).toBeLessThan(5000);
  }
  const frames = Array.from({ length: 3 }, () => gifFrame);
  expect(await copied(bytes(gifHead(4000, 2001), ...frames, GIF_END))).toBe("too_many_pixels");
  expect(await copied(bytes(gifHead(4000, 2000), ...frames, GIF_END))).toBeInstanceOf(Uint8Array);
  expect(await copied(bytes(gifHead(4000, 2000), ...Array.from({ length: 26 }, () => gifFrame), GIF_END))).toBe(
    "too_many_pixels",
  );
  const turned = tiff({ orientation: 6, make: "Acme", model: "Phone", taken: "2026:05:01 12:30:59" });
  expect(await copied(movingWebp(3, (frame) => (frame === 0 ? riffChunk("EXIF", turned) : bytes())))).toBe("turned");
  expect(await copied(bytes(gifHead(4, 3), GIF_LOOPS_FOR_EVER, gifFrame, GIF_END))).toBe("still");
});

it("reads a large file in windows and blocks, however many parts of it are left out", async () => {
  const comment = gifExtension(0xfe, ...Array.from({ length: 40 }, () => "x".repeat(255)));
  const parts = Array.from({ length: 900 }, () => [comment, gifFrame, comment]).flat();
  const file = bytes(gifHead(4, 3), ...parts, GIF_END);
  expect(file.length).toBeGreaterThan(18_000_000);
  const source = new Metered(bytesInMemory(file), Infinity, Infinity);
  const copy = await copyOfGif(source);
  expect(source.reads).toBeLessThan(30);
  source.reads = 0;
  let length = 0;
  for await (const chunk of chunksOf(copy, source)) length += chunk.length;
  expect(length).toBe(gifHead(4, 3).length + 900 * gifFrame.length + 1);
  expect(source.reads).toBeLessThan(30);
});

it("counts the pixels of frames that are larger than their picture, and the chunks of all frames together", async () => {
  const large = (side: number) => bytes(0x2c, le16(0), le16(0), le16(side), le16(side), 0, 2, 2, 0x44, 1, 0);
  const gif = (side: number, frames: number) =>
    bytes(gifHead(4, 3), ...Array.from({ length: frames }, () => bytes(gifControl, large(side))), GIF_END);
  const motion = async (file: Uint8Array) => {
    const source = bytesInMemory(file);
    return (await motionOf(source, "image/gif", await readHeader(source, "image/gif")))?.motion;
  };
  expect(await motion(gif(3000, 2))).toBe("too_many_pixels");
  expect(await motion(gif(1000, 201))).toBe("too_many_pixels");
  expect(await motion(gif(1000, 200))).toBe("kept");

  const others = Array.from({ length: 199 }, () => riffChunk("JUNK", bytes()));
  const file = (frames: number) =>
    webp(vp8x(1, 1, 2), WEBP_LOOPS_FOR_EVER, ...Array.from({ length: frames }, () => webpFrame([...others, LOSSLESS])));
  expect(await copied(file(99))).toHaveLength(movingWebp(99).length);
  expect(await copied(file(100))).toBe("too_many_segments");
});

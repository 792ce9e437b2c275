import { expect, it } from "vitest";
import { type Edit, edited, fillOf, mp4, type Shape, u32 } from "../../../tests/runtime/media/video-files.ts";
import { bytesInMemory } from "../bytes/byte-source.ts";
import { descend } from "../bytes/boxes.ts";
import { Rejected } from "../files/rejections.ts";
import { describeVideo } from "./describe.ts";
import { rewrite } from "./rewrite.ts";

/** In the units of the test files: of their movie, and of their media of ten frames a second. */
const [MOVIE, MEDIA, SOUND] = [57_600, 57_600, 44_100];
const FRAME_BYTES = 20;

/** Six seconds at ten frames a second, with a key frame every second, and the given edits of their pictures. */
const trimmed = async (edits: Edit[], shape: Shape = {}) =>
  edited(await mp4({ frames: 60, keyEvery: 10, bytesPerFrame: FRAME_BYTES, fastStart: false, ...shape }), edits);

const seconds = (lasts: number, from: number): Edit => [lasts * MOVIE, from * MEDIA];

/** Returns how a file is described, what is served of it, and the numbers of the frames in that, or its rejection. */
async function outcome(file: Uint8Array) {
  try {
    const { video, removed } = await describeVideo(bytesInMemory(file), "video/mp4");
    const copy = await copyOf(file);
    const { video: served } = await describeVideo(bytesInMemory(copy), "video/mp4");
    return { video, removed, served, copy, frames: framesIn(copy) };
  } catch (error) {
    if (error instanceof Rejected) return error.code;
    throw error;
  }
}

async function served(file: Uint8Array) {
  const found = await outcome(file);
  if (typeof found === "string") throw new Error(`rejected as ${found}`);
  return found;
}

async function copyOf(file: Uint8Array): Promise<Uint8Array> {
  const copy = new Uint8Array(file.length + 200_000);
  let length = 0;
  await rewrite(bytesInMemory(file), "video/mp4", (position, bytes) => {
    copy.set(bytes, position);
    length = Math.max(length, position + bytes.length);
    return Promise.resolve();
  });
  return copy.subarray(0, length);
}

/** Finds frames by the values of their bytes. */
const framesIn = (copy: Uint8Array): number[] =>
  Array.from({ length: 60 }, (_, frame) => frame).filter((frame) => {
    const text = String.fromCharCode(fillOf(frame)).repeat(FRAME_BYTES - 5);
    return new TextDecoder("latin1").decode(copy).includes(text);
  });

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

/** Returns the entries of the first edit list in a served copy, in seconds. */
function editsOf(copy: Uint8Array): number[][] {
  const list = descend(copy, "moov", "trak", "edts", "elst");
  if (!list) return [];
  const view = new DataView(list.buffer, list.byteOffset, list.length);
  return range(0, view.getUint32(4)).map((entry) => {
    const [lasts, from] = [view.getUint32(8 + entry * 12), view.getInt32(12 + entry * 12)];
    return [lasts / MOVIE, from === -1 ? -1 : from / MEDIA];
  });
}

it("leaves out what is cut from the end", async () => {
  const found = await served(await trimmed([seconds(2, 0)]));
  expect(found).toMatchObject({ video: { durationMs: 2000 }, served: { durationMs: 2000 }, removed: ["cut_parts"] });
  expect(found.frames).toEqual(range(0, 20));
  expect(found.video).not.toHaveProperty("hiddenBeforeMs");
  expect(found.video).not.toHaveProperty("hiddenAfterMs");
});

it("starts at the key frame before the cut, hides the rest by an edit list, and says how much it is", async () => {
  const found = await served(await trimmed([seconds(2, 2.5)]));
  expect(found.video).toMatchObject({ durationMs: 2000, hiddenBeforeMs: 500 });
  expect(found.frames).toEqual(range(20, 45));
  expect(found.served).toMatchObject({ durationMs: 2000, hiddenBeforeMs: 500 });
  expect(editsOf(found.copy)).toEqual([[2, 0.5]]);
});

it("hides nothing when the cut is at a key frame", async () => {
  const found = await served(await trimmed([seconds(2, 3)]));
  expect(found.frames).toEqual(range(30, 50));
  expect(found.video).not.toHaveProperty("hiddenBeforeMs");
  expect(found.served.durationMs).toBe(2000);
});

it("keeps the frames beyond the end that others refer to", async () => {
  // Every third frame is decoded before the two that precede it on the screen.
  const order = [0, ...range(0, 20).flatMap((group) => [3, 1, 2].map((place) => group * 3 + place))];
  const found = await served(await trimmed([seconds(2, 0)], { order, keyEvery: 100 }));
  // The last frame shown is 19. Frame 21 is decoded before it, and 20 is not needed.
  expect(found.frames).toEqual(range(0, order.indexOf(19) + 1));
  expect(found.video).toMatchObject({ durationMs: 2000, hiddenAfterMs: 200 });
  expect(found.served.durationMs).toBe(2000);
  expect(editsOf(found.copy)).toEqual([[2, 0]]);
});

it("leaves out the frames of an open group of pictures that refer to the group before", async () => {
  // The key frame 10 is decoded before the frames 8 and 9, which are shown before it.
  const order = [...range(0, 8), 10, 8, 9, ...range(11, 30)];
  const found = await served(await trimmed([seconds(1, 1.3)], { order, keyEvery: 8 }));
  expect(found.video).toMatchObject({ durationMs: 1000, hiddenBeforeMs: 300 });
  expect(found.frames).toEqual([order.indexOf(10), ...range(order.indexOf(11), order.indexOf(23))]);
  expect(editsOf(found.copy)).toEqual([[1, 0.3]]);
});

it("begins at a key frame where any decoder can begin, and refuses a cut far behind the last one", async () => {
  const found = await served(await trimmed([seconds(1, 3.5)], { openAt: [20, 30] }));
  expect(found.frames).toEqual(range(10, 45));
  expect(found.video).toMatchObject({ durationMs: 1000, hiddenBeforeMs: 2500 });
  // Players start at the last key frame before the cut, so that must be the one at the beginning.
  const keys = descend(found.copy, "moov", "trak", "mdia", "minf", "stbl", "stss");
  expect(keys && [...keys.subarray(4)]).toEqual([0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 31]);
  const open = { keyEvery: 5, openAt: range(1, 12).map((group) => group * 5) };
  expect(await outcome(await trimmed([seconds(1, 4.5)], open))).toBe("unsupported_edits");
});

it("has room for the list of key frames where all frames are key frames, and not all are named so in the copy", async () => {
  const open = range(0, 300).map((pair) => 2 * pair + 1);
  const found = await served(await trimmed([seconds(58, 1)], { frames: 600, keyEvery: 1, openAt: open }));
  expect(found.served).toMatchObject({ durationMs: 58_000 });
  const keys = descend(found.copy, "moov", "trak", "mdia", "minf", "stbl", "stss");
  expect(keys?.length).toBe(8 + 4 * 290);
});

it("keeps a delay, and takes edits that continue each other for one", async () => {
  const delayed = await served(await trimmed([[MOVIE, -1], seconds(2, 2.5)]));
  expect(delayed.video).toMatchObject({ durationMs: 3000, hiddenBeforeMs: 500 });
  expect(delayed.served.durationMs).toBe(3000);
  expect(editsOf(delayed.copy)).toEqual([
    [1, -1],
    [2, 0.5],
  ]);
  const continued = await served(await trimmed([seconds(1, 2.5), seconds(1, 3.5)]));
  expect(continued.video).toMatchObject({ durationMs: 2000, hiddenBeforeMs: 500 });
  expect(editsOf(continued.copy)).toEqual([[2, 0.5]]);
});

it.each<[string, Edit[]]>([
  ["a part cut from the middle", [seconds(1, 0), seconds(1, 3)]],
  ["a part that plays twice", [seconds(1, 1), seconds(1, 1)]],
  ["a pause in the middle", [seconds(1, 0), [MOVIE, -1], seconds(1, 1)]],
  ["another speed", [[2 * MOVIE, 0, 0.5]]],
  ["a frozen frame", [[2 * MOVIE, 0, 0]]],
  ["nothing but a pause", [[MOVIE, -1]]],
  ["a part behind the last frame", [seconds(1, 7)]],
])("refuses %s", async (_, edits) => {
  expect(await outcome(await trimmed(edits))).toBe("unsupported_edits");
});

it("serves a file whose edit list hides nothing as it is", async () => {
  for (const edits of [[seconds(6, 0)], [seconds(7, 0)], [[0, 0] as Edit], [[MOVIE, -1] as Edit, seconds(6, 0)]]) {
    const found = await served(await trimmed(edits));
    expect(found.frames, String(edits)).toEqual(range(0, 60));
    expect(found.removed).toEqual([]);
    expect(found.served.durationMs).toBe(found.video.durationMs);
  }
});

it("cuts each track by its own edit list", async () => {
  const sound = { sound: true, fastStart: false } as const;
  const pictures = await served(await trimmed([seconds(2, 2.5)], sound));
  // The sound was not cut, so it goes on to its end.
  expect(pictures.video.durationMs).toBeGreaterThanOrEqual(6000);
  expect(pictures.frames).toEqual(range(20, 45));

  const both = edited(await trimmed([seconds(2, 2.5)], sound), [[2 * MOVIE, 2.5 * SOUND]], 1);
  const found = await served(both);
  expect(found.video).toMatchObject({ durationMs: 2000, hiddenBeforeMs: 500 });
  expect(found.served.durationMs).toBe(2000);
  expect(found.copy.length).toBeLessThan(pictures.copy.length);
});

it("does not count the priming of sound as a cut", async () => {
  const whole = await mp4({ frames: 60, keyEvery: 10, sound: true, fastStart: false });
  const found = await served(edited(whole, [[6 * MOVIE, 2112]], 1));
  expect(found.removed).toEqual([]);
  expect(found.video).not.toHaveProperty("hiddenBeforeMs");
  expect(found.video.durationMs).toBe(6000);
});

it("says how much of long packets of sound is hidden", async () => {
  const file = edited(await mp4({ frames: 2, sound: true, fastStart: false }), [[3 * MOVIE, 2.5 * SOUND]], 1);
  const text = new TextDecoder("latin1").decode(file);
  file.set(u32(SOUND), text.lastIndexOf("stts") + 16); // Each packet lasts a second.
  expect((await describeVideo(bytesInMemory(file), "video/mp4")).video).toMatchObject({
    hiddenBeforeMs: 500,
    hiddenAfterMs: 500,
    durationMs: 3000,
  });
});

it("cuts a fragmented file", async () => {
  const file = await mp4({ frames: 60, keyEvery: 10, bytesPerFrame: FRAME_BYTES, fastStart: "fragmented" });
  // Fragments state where their packets are from their own beginning, so the index may grow.
  const found = await served(edited(file, [seconds(2, 2.5)]));
  expect(found.frames).toEqual(range(20, 45));
  expect(found.video).toMatchObject({ durationMs: 2000, hiddenBeforeMs: 500 });
  expect(found.served.durationMs).toBe(2000);
  const open = await served(edited(file, [[0, 2.5 * MEDIA]]));
  expect(open.frames).toEqual(range(20, 60));
  expect(open.video).toMatchObject({ durationMs: 3500, hiddenBeforeMs: 500 });
});

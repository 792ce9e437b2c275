import { expect, it } from "vitest";
import { mkv, mp4, webm } from "../../../tests/runtime/media/video-files.ts";
import type { VideoType } from "../../../schema/media/media-types.ts";
import { bytesInMemory } from "../bytes/byte-source.ts";
import { Rejected } from "../files/rejections.ts";
import { describeVideo } from "./describe.ts";
import { rewrite } from "./rewrite.ts";

type File = [name: string, type: VideoType, make: () => Promise<Uint8Array>];

const SMALL = { frames: 2, bytesPerFrame: 8 };
const MP4: File = ["an MP4", "video/mp4", () => mp4(SMALL)];
const FRAGMENTED: File = ["a fragmented MP4", "video/mp4", () => mp4({ ...SMALL, fastStart: "fragmented" })];
const MKV: File = ["a Matroska file", "video/matroska", () => mkv("vp8", SMALL)];
const WEBM: File = ["a WebM", "video/webm", () => webm(SMALL)];

/** Describes and copies a file. Fails on any error other than `Rejected`. */
async function survives(bytes: Uint8Array, type: VideoType, what: string): Promise<"served" | "rejected"> {
  try {
    const found = await describeVideo(bytesInMemory(bytes), type);
    expect(JSON.parse(JSON.stringify(found)), what).toEqual(found);
    expect(found.video.durationMs ?? 0, what).toBeGreaterThanOrEqual(0);
    await rewrite(bytesInMemory(bytes), type, () => Promise.resolve());
    return "served";
  } catch (error) {
    if (!(error instanceof Rejected)) throw new Error(what, { cause: error });
    return "rejected";
  }
}

it.each([FRAGMENTED, WEBM, MKV])("serves or rejects %s that is truncated at any byte", async (_, type, make) => {
  const file = await make();
  expect(file.length).toBeLessThan(2048);
  for (let length = 0; length < file.length; length += 1)
    await survives(file.slice(0, length), type, `${length} bytes`);
  expect(await survives(file, type, "the whole")).toBe("served");
});

it.each([MP4, WEBM])("serves or rejects %s with any byte changed", async (_, type, make) => {
  const file = await make();
  const ends = { served: 0, rejected: 0 };
  for (let at = 0; at < file.length; at += 1) {
    const whole = file[at] ?? 0;
    file[at] = whole ^ (at % 2 === 0 ? 0xff : 0x01);
    ends[await survives(file, type, `the byte at ${at}`)] += 1;
    file[at] = whole;
  }
  expect(Math.min(ends.served, ends.rejected)).toBeGreaterThan(50);
});

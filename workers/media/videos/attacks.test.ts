import { expect, it } from "vitest";
import { box, contentOf, edited, mkv, mp4, u32, webm } from "../../../tests/runtime/media/video-files.ts";
import type { VideoType } from "../../../schema/media/media-types.ts";
import { bytesInMemory, type ByteSource, Metered } from "../bytes/byte-source.ts";
import { Rejected } from "../files/rejections.ts";
import { describeVideo } from "./describe.ts";
import { PACKETS_MAX } from "./containers/limits.ts";
import { rewrite } from "./rewrite.ts";

/** Returns the code that a file is rejected with, or its description. */
async function verdict(file: Uint8Array | ByteSource, type: VideoType = "video/mp4") {
  const source = file instanceof Uint8Array ? bytesInMemory(file) : file;
  try {
    return await describeVideo(source, type);
  } catch (error) {
    if (error instanceof Rejected) return error.code;
    throw error;
  }
}

const joined = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));

/** Returns `file` with `bytes` written at offset `at` from the contents of its first box of `type`. */
function changed(file: Uint8Array, type: string, at: number, bytes: number[]): Uint8Array {
  const copy = file.slice();
  copy.set(bytes, contentOf(copy, type) + at);
  return copy;
}

const FTYP = box("ftyp", "isom", u32(512), "isom");
const HUGE = [0xff, 0xff, 0xff, 0xff];

it("rejects boxes of impossible sizes", async () => {
  const file = await mp4();
  for (const size of [1, 2, 7]) expect(await verdict(changed(file, "moov", -8, u32(size))), `${size}`).toBe("corrupt");
  for (const size of [1, 2, 7, 0]) {
    expect(await verdict(changed(file, "trak", -8, u32(size))), String(size)).toBe("corrupt");
    expect(await verdict(changed(file, "stts", -8, u32(size))), String(size)).toBe("corrupt");
  }
  expect(await verdict(changed(file, "moov", -8, HUGE))).toBe("corrupt");
  const large = (size: number[]) => joined(FTYP, new Uint8Array([...u32(1), 0x6d, 0x6f, 0x6f, 0x76, ...size]));
  for (const size of [
    [0x80, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0x7f, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 15],
  ])
    expect(await verdict(large(size)), String(size)).toBe("corrupt");
});

it("accepts a last box that extends to the end of the file", async () => {
  const file = await mp4({ fastStart: "in-memory" });
  expect(await verdict(changed(file, "mdat", -8, u32(0)))).toMatchObject({ video: { durationMs: 300 } });
});

it("reads only the boxes it needs, however deep or numerous they are", async () => {
  const levels = Array.from({ length: 10_000 }, (_, level) => [...u32((10_000 - level) * 8), 0x6d, 0x6f, 0x6f, 0x76]);
  const deep = new Uint8Array(levels.flat());
  expect(await verdict(joined(FTYP, deep))).toBe("no_video");
  const many = box(
    "moov",
    new Uint8Array(20_000 * 8).map((_, at) => [0, 0, 0, 8, 0x66, 0x72, 0x65, 0x65][at % 8] ?? 0),
  );
  expect(await verdict(joined(FTYP, many))).toBe("too_complex");
  const above = joined(FTYP, ...Array.from({ length: 5000 }, () => box("free")));
  expect(await verdict(above)).toBe("too_complex");
});

it("rejects a count that its box has no room for", async () => {
  const file = await mp4({ sound: true });
  for (const [type, at] of [
    ["stts", 4],
    ["stsz", 8],
    ["stsc", 4],
    ["stco", 4],
    ["stss", 4],
    ["stsd", 4],
  ] as const) {
    expect(await verdict(changed(file, type, at, HUGE)), type).toBe("corrupt");
  }
  // Equal sizes and run lengths have no table that bounds them.
  expect(await verdict(changed(file, "stsz", 4, [...u32(20), ...HUGE]))).toBe("too_complex");
  expect(await verdict(changed(file, "stts", 8, HUGE))).toBe("too_complex");
});

it("rejects a count that its fragment has no room for", async () => {
  const file = await mp4({ fastStart: "fragmented" });
  expect(await verdict(file)).toMatchObject({ video: { durationMs: 300, fastStart: true } });
  // Each packet has its own size, for which there is no room.
  expect(await verdict(changed(file, "trun", 0, [0, 0, 2, 0, ...u32(1000)]))).toBe("corrupt");
  // Packets without fields of their own take no room.
  expect(await verdict(changed(file, "trun", 0, [0, 0, 0, 0, ...HUGE]))).toBe("too_complex");
  expect(await verdict(changed(file, "trun", 0, [0, 0, 0, 0, ...u32(PACKETS_MAX - 1)]))).toBeTypeOf("string");
});

it("rejects a timescale of zero and times before the first frame", async () => {
  const file = await mp4({ fastStart: false });
  expect(await verdict(changed(file, "mvhd", 12, u32(0)))).toBe("corrupt");
  expect(await verdict(changed(file, "mdhd", 12, u32(0)))).toBe("corrupt");
  expect(await verdict(changed(file, "stts", 12, HUGE))).toBe("too_long");
  const from = (time: number) => edited(file, [[1000, time]]);
  expect(await verdict(from(-2))).toBe("corrupt");
  // The only edit is an empty one, so nothing is shown.
  expect(await verdict(from(-1))).toBe("unsupported_edits");
  expect(await verdict(from(0x7fffffff))).toBe("unsupported_edits");
});

it("leaves out sound that browsers do not play, however many packets it has", async () => {
  // Six seconds of PCM have 288,000 packets.
  const both = await verdict(await mp4({ frames: 60, sound: true, pcm: true }));
  expect(both).toMatchObject({ video: { audio: { codec: "mp4a.40.2" } }, removed: ["other_tracks"] });
  expect(await verdict(await mp4({ frames: 60, pcm: true }))).toBe("unsupported_codec");
});

it("leaves out pictures that browsers do not play, and says so if there are no others", async () => {
  const file = await mp4({ fastStart: false });
  expect(await verdict(changed(file, "stsd", 12, [...new TextEncoder().encode("jpeg")]))).toBe("unsupported_codec");
});

it("takes a Matroska file if its codecs are those of WebM", async () => {
  expect(await verdict(await mkv("vp8"), "video/matroska")).toMatchObject({ video: { codec: "vp8", durationMs: 300 } });
  expect(await verdict(await mkv("avc"), "video/matroska")).toBe("unsupported_codec");
  const parts: Uint8Array[] = [];
  await rewrite(bytesInMemory(await mkv("vp8")), "video/matroska", (_, bytes) =>
    Promise.resolve(void parts.push(bytes)),
  );
  expect(new TextDecoder("latin1").decode(joined(...parts))).toMatch(/webm/);
});

it("refuses a Matroska file whose chapters play in their own order", async () => {
  const file = await mkv("vp8");
  const at = file.findIndex((_, byte) => [0x1f, 0x43, 0xb6, 0x75].every((one, index) => file[byte + index] === one));
  const chapters = (ordered: number) => [0x10, 0x43, 0xa7, 0x70, 0x87, 0x45, 0xb9, 0x84, 0x45, 0xdd, 0x81, ordered];
  const withChapters = (ordered: number) =>
    joined(file.subarray(0, at), new Uint8Array(chapters(ordered)), file.subarray(at));
  // A segment of unknown size, as it is longer now.
  const open = (bytes: Uint8Array) => {
    const segment = bytes.findIndex((_, byte) =>
      [0x18, 0x53, 0x80, 0x67].every((one, index) => bytes[byte + index] === one),
    );
    bytes.set([0x07, 0xff, 0xff, 0xff, 0xff, 0xff], segment + 4);
    return bytes;
  };
  expect(await verdict(open(withChapters(1)), "video/matroska")).toBe("unsupported_edits");
  expect(await verdict(open(withChapters(0)), "video/matroska")).toMatchObject({ removed: ["metadata"] });
});

it("finds no video in a file without one", async () => {
  expect(await verdict(FTYP)).toBe("no_video");
  expect(await verdict(joined(FTYP, box("moov", box("mvhd", new Uint8Array(100).fill(2)))))).toBe("no_video");
  expect(await verdict(new Uint8Array())).toBe("no_video");
  expect(await verdict(joined(FTYP, box("mdat", u32(7))))).toBe("corrupt");
});

it("reads an index after 2 GB of packets in a few reads", async () => {
  const file = await mp4({ fastStart: false });
  const [mdat, moov] = [contentOf(file, "mdat") - 8, contentOf(file, "moov") - 8];
  const [before, index] = [file.subarray(0, mdat), file.subarray(moov)];
  const far = 2 ** 31;
  const header = new Uint8Array([...u32(1), 0x6d, 0x64, 0x61, 0x74, 0, 0, 0, 0, ...u32(far - mdat)]);
  const source = {
    size: far + index.length,
    read(offset: number, length: number) {
      const bytes = new Uint8Array(Math.min(length, far + index.length - offset));
      for (const [at, part] of [
        [0, before],
        [mdat, header],
        [far, index],
      ] as const) {
        for (let byte = Math.max(at, offset); byte < Math.min(at + part.length, offset + bytes.length); byte += 1)
          bytes[byte - offset] = part[byte - at] ?? 0;
      }
      return Promise.resolve(bytes);
    },
  };
  const metered = new Metered(source, Infinity, Infinity);
  expect(await verdict(metered)).toMatchObject({ video: { durationMs: 300, fastStart: false } });
  expect(metered.reads).toBeLessThanOrEqual(4);
  expect(metered.bytesRead).toBeLessThan(64 * 1024);
});

it("rejects a WebM whose elements extend beyond their parent or lack a required size", async () => {
  const file = await webm();
  // The SeekHead at the beginning contains the ids too, so this finds the last occurrence.
  const find = (id: number[]) => file.findLastIndex((_, at) => id.every((byte, index) => file[at + index] === byte));
  const at = (id: number[], bytes: number[]) => {
    const copy = file.slice();
    copy.set(bytes, find(id) + id.length);
    return verdict(copy, "video/webm");
  };
  const [segment, info, tracks, scale] = [
    [0x18, 0x53, 0x80, 0x67],
    [0x15, 0x49, 0xa9, 0x66],
    [0x16, 0x54, 0xae, 0x6b],
    [0x2a, 0xd7, 0xb1],
  ];
  expect(await verdict(file, "video/webm")).toMatchObject({ video: { codec: "vp8", durationMs: 300 } });
  expect(await at(info, [0xff])).toBe("corrupt");
  expect(await at(tracks, [0xff])).toBe("corrupt");
  expect(await at(tracks, [0xfe])).toBe("corrupt");
  expect(await at(tracks, [0])).toBe("corrupt");
  expect(await at(scale, [0x83, 0, 0, 0])).toBe("corrupt");
  // A segment of unknown size was recorded live, and ends with its file.
  expect(await at(segment, [0x07, ...Array<number>(5).fill(0xff)])).toMatchObject({ video: { durationMs: 300 } });
});

it("survives lacing whose sizes exceed the block", async () => {
  const file = await webm({ frames: 2 });
  // Track 1, a relative time of 0, a key frame without lacing: the flags are the fourth byte.
  const flags = file.findIndex((_, at) => [0x81, 0, 0, 0x80].every((byte, index) => file[at + index] === byte)) + 3;
  expect(flags).toBeGreaterThan(3);
  const ends: string[] = [];
  for (const lacing of [0x82, 0x84, 0x86]) {
    file.set([lacing, 0xff], flags);
    await rewrite(bytesInMemory(file), "video/webm", () => Promise.resolve()).then(
      () => ends.push("served"),
      (error: unknown) => ends.push(error instanceof Rejected ? error.code : String(error)),
    );
  }
  // Fixed-size lacing divides the block evenly, so it is valid.
  expect(ends).toEqual(["corrupt", "served", "corrupt"]);
});

it("never searches for the next element of a WebM", async () => {
  const file = await webm();
  const cluster = file.findIndex((_, at) => [0x1f, 0x43, 0xb6, 0x75].every((byte, index) => file[at + index] === byte));
  const junk = joined(file.subarray(0, cluster), new Uint8Array(100).fill(0x42), file.subarray(cluster));
  expect(await verdict(junk, "video/webm")).toBe("corrupt");
  // Junk within the cluster, where the demuxer would start an endless search.
  file.fill(0, cluster + 12, cluster + 24);
  expect(await verdict(file, "video/webm")).toBe("corrupt");
});

it("rejects a video that is too long or too large", async () => {
  expect(await verdict(await mp4({ frames: 3, framesPerSecond: 0.016 }))).toBe("too_long");
  expect(await verdict(await mp4({ frames: 3, framesPerSecond: 0.01666 }))).toMatchObject({ width: 64 });
  expect(await verdict(await mp4({ width: 4098, height: 100 }))).toBe("frame_too_large");
  expect(await verdict(await mp4({ width: 4096, height: 4096 }))).toBe("frame_too_large");
  expect(await verdict(await mp4({ width: 4096, height: 2304 }))).toMatchObject({ width: 4096, height: 2304 });
});

it("rethrows errors of its source and its sink, which are not the fault of the file", async () => {
  const file = await mp4();
  for (let failing = 1; failing <= 3; failing += 1) {
    let reads = 0;
    const source: ByteSource = {
      size: file.length,
      read: (offset, length) => {
        reads += 1;
        return reads === failing
          ? Promise.reject(new Error("R2 is down"))
          : Promise.resolve(file.slice(offset, offset + length));
      },
    };
    const outcome = rewrite(source, "video/mp4", () => Promise.resolve());
    if (failing === 1) await expect(outcome).rejects.toThrow("R2 is down");
    else await outcome.catch((error: unknown) => expect(error).toMatchObject({ message: "R2 is down" }));
  }
  const sink = rewrite(bytesInMemory(file), "video/mp4", () => Promise.reject(new Error("R2 is full")));
  await expect(sink).rejects.toThrow("R2 is full");
});

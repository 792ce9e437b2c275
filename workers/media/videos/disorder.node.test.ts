/** Files whose tables are allowed one by one, and together ask for more reading or counting than a video needs. */
import { EncodedPacket, EncodedVideoPacketSource, BufferTarget, Output, WebMOutputFormat } from "mediabunny";
import { expect, it } from "vitest";
import { contentOf, mp4, u32 } from "../../../tests/runtime/media/video-files.ts";
import type { VideoType } from "../../../schema/media/media-types.ts";
import { bytesInMemory, Metered } from "../bytes/byte-source.ts";
import { Rejected } from "../files/rejections.ts";
import { describeVideo } from "./describe.ts";
import { rewrite } from "./rewrite.ts";

const MB = 1024 * 1024;

/** Returns the text of the copy of a file, or the code of its rejection, and how many bytes were read for it. */
async function copied(file: Uint8Array, type: VideoType = "video/mp4") {
  const source = new Metered(bytesInMemory(file), Infinity, Infinity);
  const copy = new Uint8Array(file.length + 200_000);
  let end = 0;
  const code = await rewrite(source, type, (position, bytes) => {
    copy.set(bytes, position);
    end = Math.max(end, position + bytes.length);
    return Promise.resolve();
  }).catch((error: unknown) => {
    if (error instanceof Rejected) return error.code;
    throw error;
  });
  return { code, copy: copy.subarray(0, end), bytesRead: source.bytesRead };
}

function changed(file: Uint8Array, type: string, at: number, numbers: number[]): Uint8Array {
  const copy = file.slice();
  copy.set(numbers.flatMap(u32), contentOf(copy, type) + at);
  return copy;
}

it("does not read a file again and again whose packets lie in disorder", async () => {
  const frames = 320;
  const shape = { frames, framesPerSecond: 2, bytesPerFrame: MB / 16, keyEvery: 10 };
  const file = changed(await mp4(shape), "stsc", 4, [1, 1, 1, 1]);
  const table = contentOf(file, "stco") + 4;
  const view = new DataView(file.buffer);
  const first = view.getUint32(table + 4);
  expect(view.getUint32(table)).toBe(frames);
  const inOrder = await copied(file);
  expect(inOrder.code).toBeUndefined();
  expect(inOrder.bytesRead).toBeLessThan(1.2 * file.length);
  // Each frame lies 7 MB behind the one before, or at the other end of the file.
  for (let frame = 0; frame < frames; frame += 1)
    view.setUint32(table + 4 + 4 * frame, first + (((frame * 113) % frames) * MB) / 16);
  const shuffled = await copied(file);
  expect(shuffled.code).toBe("too_complex");
  expect(shuffled.bytesRead).toBeLessThan(3 * file.length + 34 * MB);
});

it("does not add up the sizes of an endless chunk for each packet in it", async () => {
  const file = await mp4({ frames: 20_001, framesPerSecond: 300, keyEvery: 100 });
  const inOne = (packets: number) =>
    describeVideo(bytesInMemory(changed(file, "stsc", 4, [1, 1, packets, 1])), "video/mp4");
  await expect(inOne(20_001)).rejects.toMatchObject({ code: "too_complex" });
  const few = await mp4({ frames: 3 });
  expect(
    (await describeVideo(bytesInMemory(changed(few, "stsc", 4, [1, 1, 50_000, 1])), "video/mp4")).video.durationMs,
  ).toBe(300);
});

it("refuses sound in a kind of AAC that browsers do not play", async () => {
  const file = await mp4({ sound: true });
  const at = file.indexOf(0x12, contentOf(file, "esds"));
  expect(file[at + 1]).toBe(0x08);
  file[at] = 0xba; // For telephony (LD).
  await expect(describeVideo(bytesInMemory(file), "video/mp4")).rejects.toMatchObject({ code: "unsupported_codec" });
});

it("removes metadata from the transparency of pictures as well", async () => {
  const secret = "+52.5200+013.4050/";
  const unit = (type: number, ...content: number[]) => [(type << 3) | 2, content.length, ...content];
  const picture = unit(6, 51, 52, 53);
  const note = unit(5, 4, 181, ...Array.from(secret, (letter) => letter.charCodeAt(0)));
  const target = new BufferTarget();
  const output = new Output({ format: new WebMOutputFormat(), target });
  const source = new EncodedVideoPacketSource("av1");
  output.addVideoTrack(source);
  await output.start();
  const alpha = new Uint8Array([...note, ...picture]);
  const decoderConfig = { codec: "av01.0.04M.08", codedWidth: 64, codedHeight: 48 };
  await source.add(new EncodedPacket(new Uint8Array(picture), "key", 0, 0.1, -1, undefined, { alpha }), {
    decoderConfig,
  });
  await output.finalize();
  const file = new Uint8Array(target.buffer ?? new ArrayBuffer());
  const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
  expect(text(file)).toContain(secret);
  const { code, copy } = await copied(file, "video/webm");
  expect(code).toBeUndefined();
  expect(text(copy)).not.toContain(secret);
  expect(text(copy).split(String.fromCharCode(...picture))).toHaveLength(3); // The colours and the transparency.
});

it("refuses packets of several descriptions, of which the demuxer knows the last alone", async () => {
  const file = await mp4({ fastStart: false });
  const entry = contentOf(file, "stsd") + 8;
  const end = contentOf(file, "stsd") - 8 + sizeAt(file, contentOf(file, "stsd") - 8);
  const other = file.slice(entry, end);
  const added = new Uint8Array([...file.subarray(0, end), ...other, ...file.subarray(end)]);
  for (const type of ["moov", "trak", "mdia", "minf", "stbl", "stsd"]) {
    const at = contentOf(file, type) - 8;
    added.set(u32(sizeAt(file, at) + other.length), at);
  }
  const several = changed(added, "stsd", 4, [2]);
  const verdict = (bytes: Uint8Array) =>
    describeVideo(bytesInMemory(bytes), "video/mp4").catch(({ code }) => code as string);
  expect(await verdict(several)).toMatchObject({ width: 64 }); // Both are the same.
  several[end + contentOf(file, "avcC") - entry + 3] = 31; // Another level.
  expect(await verdict(several)).toBe("too_complex");
  expect(await verdict(changed(several, "stsc", 16, [2]))).toMatchObject({ width: 64 });
});

const sizeAt = (file: Uint8Array, at: number): number => new DataView(file.buffer, file.byteOffset).getUint32(at);

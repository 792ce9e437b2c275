import { BufferSource, EncodedPacketSink, Input, MP4 } from "mediabunny";
import { expect, it } from "vitest";
import { contentOf, edited, mp4, type Shape } from "../../../tests/runtime/media/video-files.ts";
import { bytesInMemory, Metered } from "../bytes/byte-source.ts";
import { closeIndex } from "./close-index.ts";
import { rewrite } from "./rewrite.ts";

async function copyOf(file: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(file.length + 400_000);
  let length = 0;
  await rewrite(bytesInMemory(file), "video/mp4", (position, bytes) => {
    copy.set(bytes, position);
    length = Math.max(length, position + bytes.length);
    return Promise.resolve();
  });
  return copy.slice(0, length);
}

/** Returns the times and the data of all packets, by their tracks. */
async function packetsOf(file: Uint8Array<ArrayBuffer>) {
  const input = new Input({ formats: [MP4], source: new BufferSource(file) });
  const tracks = await input.getTracks();
  return Promise.all(
    tracks.map(async (track) => {
      const packets: [time: number, key: string, data: string][] = [];
      for await (const { timestamp, type, data } of new EncodedPacketSink(track).packets())
        packets.push([Math.round(timestamp * 1000), type, Buffer.from(data).toString("hex")]);
      return packets;
    }),
  );
}

/** The unused bytes between the index and the packets. */
function unused(copy: Uint8Array): number {
  const [index, packets] = [contentOf(copy, "moov") - 8, contentOf(copy, "mdat") - 8];
  return packets - index - new DataView(copy.buffer, copy.byteOffset).getUint32(index);
}

const LONG: Shape = { frames: 900, framesPerSecond: 30, sound: true };

it.each<[string, Shape]>([
  ["an MP4", { ...LONG, fastStart: false }],
  ["an MP4 with frames of one size and no sound", { frames: 90 }],
])("has the packets of %s close behind its index", async (_, shape) => {
  const file = await mp4(shape);
  const copy = await copyOf(file);
  expect(await packetsOf(copy)).toEqual(await packetsOf(file));
  expect(unused(copy)).toBeGreaterThanOrEqual(8);
  expect(unused(copy)).toBeLessThan(1024);
});

it("keeps the packets of a fragmented MP4 behind the reserved room, because finding its size would read the file twice", async () => {
  const file = await mp4({ ...LONG, fastStart: "fragmented" });
  const copy = await copyOf(file);
  expect(await packetsOf(copy)).toEqual(await packetsOf(file));
  expect(unused(copy)).toBeGreaterThan(1024);
  const metered = new Metered(bytesInMemory(file), Infinity, Infinity);
  await rewrite(metered, "video/mp4", () => Promise.resolve());
  expect(metered.bytesRead).toBeLessThan(2 * file.length);
});

it("has them close behind an index with edit lists", async () => {
  const file = await mp4({ ...LONG, fastStart: false });
  const cut = edited(edited(file, [[57_600 * 10, 57_600 * 10.5]]), [[57_600 * 10, 44_100 * 10.5]], 1);
  const copy = await copyOf(cut);
  expect(unused(copy)).toBeGreaterThanOrEqual(8);
  expect(unused(copy)).toBeLessThan(1024);
  const [pictures] = await packetsOf(file);
  const [served] = await packetsOf(copy);
  expect(served?.map(([, , data]) => data)).toEqual(pictures?.slice(300, 615).map(([, , data]) => data));
});

it("refuses an index that is longer than its room, rather than overwrite packets", async () => {
  const { take, writeIndex } = closeIndex(() => Promise.resolve(), 100);
  await take(0, new Uint8Array([0, 0, 0, 8, 0x66, 0x74, 0x79, 0x70]));
  await take(8, new Uint8Array([...new Uint8Array(2000), 0, 0, 0, 1, 0x6d, 0x64, 0x61, 0x74]));
  await expect(writeIndex(new Uint8Array(1000))).rejects.toThrow("too many");
});

/** Small generated videos for tests. Their packets hold no real pictures, because no test decodes them. */
import {
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  type MetadataTags,
  Mp4OutputFormat,
  Output,
  type OutputFormat,
  WebMOutputFormat,
} from "mediabunny";

export type Shape = {
  width?: number;
  height?: number;
  rotation?: 0 | 90 | 180 | 270;
  frames?: number;
  framesPerSecond?: number;
  bytesPerFrame?: number;
  sound?: boolean;
  tags?: MetadataTags;
  fastStart?: false | "in-memory" | "fragmented";
};

/** H.264, baseline, level 3. Its parameter sets are never read. */
const AVC = new Uint8Array([1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x1e, 1, 0, 2, 0x68, 0xce]);
/** AAC-LC, 44.1 kHz, one channel. */
const AAC = new Uint8Array([0x12, 0x08]);

export const mp4 = (shape: Shape = {}): Promise<Uint8Array<ArrayBuffer>> =>
  video(new Mp4OutputFormat({ fastStart: shape.fastStart ?? "in-memory" }), shape, {
    codec: "avc",
    config: { codec: "avc1.42c01e", description: AVC },
  });

export const webm = (shape: Shape = {}): Promise<Uint8Array<ArrayBuffer>> =>
  video(new WebMOutputFormat(), { ...shape, sound: false }, { codec: "vp8", config: { codec: "vp8" } });

async function video(
  format: OutputFormat,
  shape: Shape,
  { codec, config }: { codec: "avc" | "vp8"; config: { codec: string; description?: Uint8Array } },
): Promise<Uint8Array<ArrayBuffer>> {
  const { width = 64, height = 48, rotation = 0, frames = 3, framesPerSecond = 10, bytesPerFrame = 20 } = shape;
  const target = new BufferTarget();
  const output = new Output({ format, target });
  const pictures = new EncodedVideoPacketSource(codec);
  output.addVideoTrack(pictures, { rotation });
  const sound = shape.sound ? new EncodedAudioPacketSource("aac") : undefined;
  if (sound) output.addAudioTrack(sound);
  if (shape.tags) output.setMetadataTags(shape.tags);
  await output.start();
  const length = 1 / framesPerSecond;
  for (let index = 0; index < frames; index += 1) {
    const type = index % 30 === 0 ? "key" : "delta";
    // One NAL unit with its length and an empty picture.
    const data = new Uint8Array(bytesPerFrame).fill(index & 0xff);
    data.set([...new Uint8Array(new Uint32Array([bytesPerFrame - 4]).buffer).reverse(), type === "key" ? 0x65 : 0x41]);
    const decoderConfig = { ...config, codedWidth: width, codedHeight: height };
    await pictures.add(new EncodedPacket(data, type, index * length, length), { decoderConfig });
  }
  const packets = sound ? Math.ceil((frames * length * 44_100) / 1024) : 0;
  for (let index = 0; index < packets; index += 1) {
    const packet = new EncodedPacket(new Uint8Array(6).fill(7), "key", (index * 1024) / 44_100, 1024 / 44_100);
    await sound?.add(packet, {
      decoderConfig: { codec: "mp4a.40.2", numberOfChannels: 1, sampleRate: 44_100, description: AAC },
    });
  }
  await output.finalize();
  if (!target.buffer) throw new Error("nothing was written");
  return new Uint8Array(target.buffer);
}

/** Makes a box of an ISO base media file. */
export function box(type: string, ...contents: (Uint8Array | number[] | string)[]): Uint8Array<ArrayBuffer> {
  const bytes = contents.flatMap((part) =>
    typeof part === "string" ? Array.from(part, (character) => character.charCodeAt(0)) : [...part],
  );
  return new Uint8Array([...u32(bytes.length + 8), ...Array.from(type, (one) => one.charCodeAt(0)), ...bytes]);
}

/** Returns a number as 4 big-endian bytes. */
export const u32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** Returns the position of the contents of the first box of this type. */
export function contentOf(file: Uint8Array, type: string): number {
  const at = String.fromCharCode(...file).indexOf(type);
  if (at < 0) throw new Error(`the file has no ${type} box`);
  return at + 4;
}

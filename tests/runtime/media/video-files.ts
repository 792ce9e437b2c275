/** Small generated videos for tests. Their packets hold no real pictures, because no test decodes them. */
import {
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  type MetadataTags,
  MkvOutputFormat,
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
  /** The number of frames from one key frame to the next. */
  keyEvery?: number;
  /** The numbers of key frames where not every decoder can begin, because later frames refer to earlier ones. */
  openAt?: number[];
  /** When each frame is shown, in the order in which they are decoded: 0, 2, 1 for one B-frame. */
  order?: number[];
  sound?: boolean;
  /** Adds sound as PCM, of which each sample is a packet. */
  pcm?: boolean;
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

/** Samples a second. */
const PCM_RATE = 48_000;

/** A Matroska file, with pictures in a codec of WebM or of MP4. */
export const mkv = (codec: "vp8" | "avc", shape: Shape = {}): Promise<Uint8Array<ArrayBuffer>> =>
  video(
    new MkvOutputFormat(),
    { ...shape, sound: false },
    codec === "vp8" ? { codec, config: { codec } } : { codec, config: { codec: "avc1.42c01e", description: AVC } },
  );

export const webm = (shape: Shape = {}): Promise<Uint8Array<ArrayBuffer>> =>
  video(new WebMOutputFormat(), { ...shape, sound: false }, { codec: "vp8", config: { codec: "vp8" } });

async function video(
  format: OutputFormat,
  shape: Shape,
  { codec, config }: { codec: "avc" | "vp8"; config: { codec: string; description?: Uint8Array } },
): Promise<Uint8Array<ArrayBuffer>> {
  const { width = 64, height = 48, rotation = 0, framesPerSecond = 10, bytesPerFrame = 20, keyEvery = 30 } = shape;
  const frames = shape.order?.length ?? shape.frames ?? 3;
  const target = new BufferTarget();
  const output = new Output({ format, target });
  const pictures = new EncodedVideoPacketSource(codec);
  output.addVideoTrack(pictures, { rotation });
  const sound = shape.sound ? new EncodedAudioPacketSource("aac") : undefined;
  if (sound) output.addAudioTrack(sound);
  const pcm = shape.pcm ? new EncodedAudioPacketSource("pcm-s16") : undefined;
  if (pcm) output.addAudioTrack(pcm);
  if (shape.tags) output.setMetadataTags(shape.tags);
  await output.start();
  const length = 1 / framesPerSecond;
  for (let index = 0; index < frames; index += 1) {
    const type = index % keyEvery === 0 ? "key" : "delta";
    // One NAL unit with its length and an empty picture.
    const data = new Uint8Array(bytesPerFrame).fill(fillOf(index));
    data.set([
      ...new Uint8Array(new Uint32Array([bytesPerFrame - 4]).buffer).reverse(),
      type === "key" && !shape.openAt?.includes(index) ? 0x65 : 0x41,
    ]);
    const decoderConfig = { ...config, codedWidth: width, codedHeight: height };
    const shownAt = (shape.order?.[index] ?? index) * length;
    await pictures.add(new EncodedPacket(data, type, shownAt, length), { decoderConfig });
  }
  const packets = sound ? Math.ceil((frames * length * 44_100) / 1024) : 0;
  for (let index = 0; index < packets; index += 1) {
    const packet = new EncodedPacket(new Uint8Array(6).fill(3), "key", (index * 1024) / 44_100, 1024 / 44_100);
    await sound?.add(packet, {
      decoderConfig: { codec: "mp4a.40.2", numberOfChannels: 1, sampleRate: 44_100, description: AAC },
    });
  }
  await pcm?.add(new EncodedPacket(new Uint8Array(2 * PCM_RATE * frames * length).fill(9), "key", 0, frames * length), {
    decoderConfig: { codec: "pcm-s16", numberOfChannels: 1, sampleRate: PCM_RATE },
  });
  await output.finalize();
  if (!target.buffer) throw new Error("nothing was written");
  return new Uint8Array(target.buffer);
}

/** The value of each byte of a frame, by its number in the order of decoding. Units of H.264 have no zeros in a row. */
export const fillOf = (frame: number): number => 4 + (frame % 250);

/** An edit: how long it lasts, from when in the media, both in its units of time, and at what speed. */
export type Edit = [lasts: number, from: number, rate?: number];

/** Adds an edit list to one of the tracks of a file whose index comes last (`fastStart: false`). */
export function edited(file: Uint8Array, edits: Edit[], track = 0): Uint8Array<ArrayBuffer> {
  const entries = edits.flatMap(([lasts, from, rate = 1]) => [lasts, from, rate * 0x10000].flatMap(u32));
  return inTrack(file, box("edts", box("elst", u32(0), u32(edits.length), entries)), track);
}

/** Adds a box to one of the tracks of a file whose index comes last, in front of its media. */
export function inTrack(file: Uint8Array, more: Uint8Array, track = 0): Uint8Array<ArrayBuffer> {
  const text = String.fromCharCode(...file);
  const nth = (type: string) => text.split(type, track + 1).join(type).length - 4;
  const [moov, trak, mdia] = [contentOf(file, "moov") - 8, nth("trak"), nth("mdia")];
  const longer = (at: number) => u32(new DataView(file.buffer).getUint32(at) + more.length);
  const copy = new Uint8Array([...file.subarray(0, mdia), ...more, ...file.subarray(mdia)]);
  copy.set(longer(moov), moov);
  copy.set(longer(trak), trak);
  return copy;
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
  const at = new TextDecoder("latin1").decode(file).indexOf(type);
  if (at < 0) throw new Error(`the file has no ${type} box`);
  return at + 4;
}

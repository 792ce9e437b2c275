/**
 * Writes the copy of a video that is served: the packets of one video track and one audio track in a new container. So
 * it has nothing else of the original: no locations, no notes, no other tracks, no appended bytes, and nothing that an
 * edit list cuts away, except for what decoding needs (cuts.ts). Of the packets
 * and the configurations of decoders, only what decoding needs is copied (packets/).
 */
import {
  type AudioCodec,
  EncodedAudioPacketSource,
  type EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  type InputAudioTrack,
  type InputTrack,
  Mp4OutputFormat,
  NullTarget,
  Output,
  type OutputFormat,
  StreamTarget,
  type StreamTargetChunk,
  type Target,
  type VideoCodec,
  WebMOutputFormat,
} from "mediabunny";
import { bytesOf } from "../../../schema/bytes.ts";
import type { VideoType } from "../../../schema/media/media-types.ts";
import { type ByteSource, Metered } from "../bytes/byte-source.ts";
import { Rejected } from "../files/rejections.ts";
import { BLOCK_BYTES, inBlocks } from "../bytes/blocks.ts";
import { descend, headerAt } from "../bytes/boxes.ts";
import { closeIndex } from "./close-index.ts";
import { type Demuxed, withDemuxer } from "./demux.ts";
import { checkDuration } from "./describe.ts";
import type { Played } from "./containers/edit-lists.ts";
import { COPY_BYTES_MORE, COPY_READS_MORE, COPY_SIZES_MAX, PACKETS_MAX } from "./containers/limits.ts";
import type { Cut } from "./cuts.ts";
import type { Sink } from "./multipart.ts";
import { withEdits } from "./served-edits.ts";
import { servedType } from "./served-type.ts";
import { cleanerOf } from "./packets/clean-packet.ts";
import { cleanConfig } from "./packets/decoder-configs.ts";
import { isEntry, type UnitFormat, unitFormatOf } from "./packets/nal-units.ts";

/**
 * Writes the copy of a file of `type` to `sink`. Throws `Rejected` if the file cannot be copied completely, or if its packets
 * lie in such disorder that too much of it would have to be read again and again.
 */
export async function rewrite(source: ByteSource, type: VideoType, sink: Sink): Promise<void> {
  const isWebm = servedType(type) === "video/webm";
  const copied = (file: Demuxed): Promise<void> => {
    const out: Sink = (position, bytes) => file.passThrough(() => sink(position, bytes));
    return isWebm ? write(file, new WebMOutputFormat(), targetOf(out)) : writeMp4(file, out);
  };
  const bytesMax = COPY_SIZES_MAX * source.size;
  const readsMax = Math.ceil(bytesMax / BLOCK_BYTES) + COPY_READS_MORE;
  await withDemuxer(new Metered(source, bytesMax + COPY_BYTES_MORE, readsMax), type, copied, (view) => inBlocks(view));
}

/** Writes all packets, or the times of all packets, which takes no reads. */
async function write(file: Demuxed, format: OutputFormat, target: Target, isLight = false): Promise<void> {
  const output = new Output({ format, target });
  const tracks = [
    await videoTrack(file, output, isLight),
    ...(file.audio ? [await audioTrack(file.audio, file, output, isLight)] : []),
  ];
  await output.start();
  await copy(tracks, file.checked.durationMs);
  await output.finalize();
}

/**
 * Writes an MP4 whose index comes first. The muxer reserves room for it, so that no packet waits in memory for the last
 * one, and more than it needs: how much it needs is found by writing the index alone before.
 */
async function writeMp4(file: Demuxed, sink: Sink): Promise<void> {
  let index = new Uint8Array();
  const onMoov = (bytes: Uint8Array): void => {
    index = bytes.slice(0, headerAt(bytes, 0, 0, 0)?.end);
  };
  if (await canBeLight(file))
    await write(file, new Mp4OutputFormat({ fastStart: false, onMoov }), new NullTarget(), true);
  const { take, writeIndex } = closeIndex(
    sink,
    index.length > 0 ? index.length + unlistedKeys(file, index) : undefined,
  );
  await write(file, new Mp4OutputFormat({ fastStart: "reserve", onMoov }), targetOf(take));
  const cuts = Object.values(file.cuts);
  const plays = new Map(cuts.flatMap((cut, at): [number, Played][] => (cut ? [[at + 1, cut]] : [])));
  await writeIndex(plays.size > 0 ? withEdits(index, plays) : index);
}

/**
 * Returns the most bytes that a list of key frames may take which the index does not have, because all frames are key frames:
 * of a trimmed video, some lose that name when it is copied.
 */
function unlistedKeys({ cuts }: Demuxed, index: Uint8Array): number {
  const isListed = descend(index, "moov", "trak", "mdia", "minf", "stbl", "stss") !== undefined;
  return cuts.video && !isListed ? KEYS_BYTES + KEY_BYTES * cuts.video.count : 0;
}
const [KEYS_BYTES, KEY_BYTES] = [16, 4];

const targetOf = (sink: Sink): StreamTarget =>
  new StreamTarget(new WritableStream<StreamTargetChunk>({ write: ({ position, data }) => sink(position, data) }));

/**
 * Whether the times of packets are in memory, and the muxer needs no data of packets: for some codecs it reads the
 * configuration from the first one.
 */
async function canBeLight({ checked, video, audio }: Demuxed): Promise<boolean> {
  if (checked.isFragmented) return false;
  const configs = [await video.getDecoderConfig(), audio && (await audio.getDecoderConfig())];
  const codecs = [await video.getCodec(), audio && (await audio.getCodec())];
  return codecs.every((codec, at) => !IN_PACKETS.has(codec ?? "") || configs[at]?.description !== undefined);
}
const IN_PACKETS = new Set(["avc", "hevc", "aac"]);

type Track = {
  packets: AsyncIterator<EncodedPacket, void>;
  add: (packet: EncodedPacket) => Promise<void>;
  close: () => void;
  /** The number of packets that the file states. */
  expected: number | undefined;
};

async function videoTrack(file: Demuxed, output: Output, isLight: boolean): Promise<Track> {
  const { video } = file;
  const codec = await codecOf<VideoCodec>(video);
  const source = new EncodedVideoPacketSource(codec);
  const config = cleaned(codec, await configOf(video));
  const clean = isLight ? standIn() : cleanerOf(codec, config.description);
  output.addVideoTrack(source, {
    rotation: await video.getRotation(),
    flip: await video.getFlip(),
    maximumPacketCount: countOf(file, video) ?? PACKETS_MAX,
  });
  const format = file.cuts.video && !isLight ? unitFormatOf(codec, config.description) : undefined;
  const add = orderly(format, (packet) => source.add(cleanedPacket(packet, clean), { decoderConfig: config }));
  return {
    packets: packetsOf(video, file.cuts.video, isLight),
    add,
    close: () => source.close(),
    expected: countOf(file, video),
  };
}

async function audioTrack(audio: InputAudioTrack, file: Demuxed, output: Output, isLight: boolean): Promise<Track> {
  const codec = await codecOf<AudioCodec>(audio);
  const source = new EncodedAudioPacketSource(codec);
  const config = cleaned(codec, await configOf(audio));
  output.addAudioTrack(source, { maximumPacketCount: countOf(file, audio) ?? PACKETS_MAX });
  const clean = isLight ? standIn() : cleanerOf(codec, config.description);
  const add = (packet: EncodedPacket) =>
    source.add(packet.clone({ data: clean(packet.data) }), { decoderConfig: config });
  return {
    packets: packetsOf(audio, file.cuts.audio, isLight),
    add,
    close: () => source.close(),
    expected: countOf(file, audio),
  };
}

/** Returns a packet of pictures without what decoding does not need, also of its transparency, a packet of the same codec. */
function cleanedPacket(packet: EncodedPacket, clean: (data: Uint8Array) => Uint8Array): EncodedPacket {
  const { alpha } = packet.sideData;
  return packet.clone({ data: clean(packet.data), ...(alpha && { sideData: { alpha: clean(alpha) } }) });
}

/** Returns the configuration of a decoder without what decoding does not need. */
function cleaned<T extends { description?: ArrayBufferView | ArrayBufferLike }>(
  codec: string,
  { description, ...config }: T,
) {
  const bytes = description && cleanConfig(codec, bytesOf(description));
  return { ...config, ...(bytes && { description: bytes }) };
}

/** Returns the number of packets that are copied of a track, if the file states it. */
const countOf = ({ checked, cuts, video }: Demuxed, { id }: InputTrack): number | undefined =>
  (id === video.id ? cuts.video : cuts.audio)?.count ?? checked.packets.get(id);

async function codecOf<T>(track: { getCodec: () => Promise<T | null> }): Promise<T> {
  const codec = await track.getCodec();
  if (codec === null) throw new Rejected("unsupported_codec");
  return codec;
}

async function configOf<T>(track: { getDecoderConfig: () => Promise<T | null> }): Promise<T> {
  const config = await track.getDecoderConfig();
  if (config === null) throw new Rejected("unsupported_codec");
  return config;
}

// Of two sizes, so that the index lists the size of every packet.
function standIn(): () => Uint8Array {
  let bytes = 1;
  return () => new Uint8Array((bytes = 3 - bytes));
}

// The file itself says which frames are key frames; its owner has seen it play.
const packetsOf = (track: InputTrack, cut: Cut | undefined, isLight: boolean): AsyncGenerator<EncodedPacket, void> => {
  const [sink, options] = [new EncodedPacketSink(track), { metadataOnly: isLight }];
  return cut ? packetsIn(cut, sink, options) : sink.packets(undefined, undefined, options);
};

async function* packetsIn(
  { before, count, notBefore }: Cut,
  sink: EncodedPacketSink,
  options: { metadataOnly: boolean },
): AsyncGenerator<EncodedPacket, void> {
  let packet = before ? await sink.getNextPacket(before, options) : await sink.getFirstPacket(options);
  for (let left = count; packet && left > 0;) {
    if (packet.timestamp >= notBefore) {
      left -= 1;
      yield packet;
    }
    packet = left > 0 ? await sink.getNextPacket(packet, options) : null;
  }
}

/**
 * Demotes key frames where playback cannot start. The muxer takes one for an error that is shown before frames of the
 * preceding group, as in open groups of pictures. Of a trimmed video, players start at the last one before the cut, and
 * some fail at those that are no entry: `format` is that of its packets.
 */
function orderly(format: UnitFormat | undefined, add: Track["add"]): Track["add"] {
  let latest = -Infinity;
  return (packet) => {
    const isFirst = latest === -Infinity;
    const isEarly = packet.timestamp < latest;
    latest = Math.max(latest, packet.timestamp);
    const isDemoted =
      packet.type === "key" && (isEarly || (!isFirst && format !== undefined && !isEntry(packet.data, format)));
    return add(isDemoted ? packet.clone({ type: "delta" }) : packet);
  };
}

/** Copies the packets of all tracks in the order of their times, so that those needed together lie together. */
async function copy(tracks: Track[], statedMs: number | null): Promise<void> {
  const open = await Promise.all(tracks.map(async (track) => ({ track, count: 0, next: await track.packets.next() })));
  for (;;) {
    const [first] = open.filter(({ next }) => !next.done).sort((a, b) => timeOf(a.next) - timeOf(b.next));
    if (!first || first.next.done) break;
    const packet: EncodedPacket = first.next.value;
    checkDuration(Math.max(0, (packet.timestamp + packet.duration) * 1000));
    first.next = await first.track.packets.next();
    await first.track.add(first.next.done ? lasting(packet, statedMs) : packet);
    first.count += 1;
    if (first.count > PACKETS_MAX) throw new Rejected("too_complex");
    if (first.next.done) first.track.close();
  }
  // A truncated file has fewer packets than it states. Its owner did not mean to show a part.
  if (open.some(({ track, count }) => track.expected !== undefined && count < track.expected))
    throw new Rejected("corrupt");
}

// Only the duration of a whole WebM says how long its last frame is shown.
function lasting(packet: EncodedPacket, statedMs: number | null): EncodedPacket {
  const duration = (statedMs ?? 0) / 1000 - packet.timestamp;
  return packet.duration === 0 && duration > 0 ? packet.clone({ duration }) : packet;
}

const timeOf = (next: IteratorResult<EncodedPacket>): number => (next.done ? Infinity : next.value.timestamp);

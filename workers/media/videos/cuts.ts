/**
 * Decides which packets of a trimmed track are copied. What an edit list cuts away is left out, except for what decoding
 * needs: the frames between a key frame and the cut, and frames beyond the end that earlier ones refer to. The edit list
 * of the copy hides those (served-edits.ts).
 */
import { type EncodedPacket, EncodedPacketSink, type InputAudioTrack, type InputVideoTrack } from "mediabunny";
import { bytesOf } from "../../../schema/bytes.ts";
import { Rejected } from "../files/rejections.ts";
import type { Played } from "./containers/edit-lists.ts";
import { PACKETS_MAX } from "./containers/limits.ts";
import { isEntry, unitFormatOf } from "./packets/nal-units.ts";

/** All times are in seconds, within the movie. */
export type Cut = Played & {
  /** The packet before the first one that is copied, without its data. Undefined if the first packet is copied. */
  before: EncodedPacket | undefined;
  /** The number of packets that are copied. */
  count: number;
  /**
   * Packets before this time are left out. In an open group of pictures, frames that are shown before its key frame are
   * decoded after it, and refer to the group before. Without that one, some decoders fail at them.
   */
  notBefore: number;
  /** Whether packets are left out. */
  drops: boolean;
  /** How much of what was cut away is copied nevertheless: before the start, and beyond the end. */
  hiddenBefore: number;
  hiddenAfter: number;
};

type Track = InputVideoTrack | InputAudioTrack;

/** Makes the demuxer return the times of a packet without its data. */
const LIGHT = { metadataOnly: true };
/** Times are sums of rounded numbers. */
const EXACT = 1e-6;
/** The end of an edit is rounded to the units of the movie, of which a second has at least this many. */
const ROUNDING = 1 / 600;
/**
 * Encoders of sound write packets ahead of the first sound, which an edit hides: at most 118 ms, for HE-AAC. They are
 * copied, and are no cut.
 */
const PRIMING = 0.15;
/** How much sound before a cut a decoder needs: 80 ms for Opus, less for AAC and MP3. */
const PREROLL = 0.08;

/**
 * Returns what of a track is copied, or undefined if its edit list hides nothing. Reads the times of all packets if it
 * does. Throws `unsupported_edits` if it shows nothing.
 */
export async function cutOf(track: Track, played: Played): Promise<Cut | undefined> {
  const isLate = (await track.computeDuration(LIGHT)) > played.to + ROUNDING;
  if (!isLate && !(await startsEarly(track, played.from))) return undefined;
  const packets = await packetsOf(track);
  const shown = packets.flatMap((packet, index) => (isShown(packet, played) ? [index] : []));
  const [first, last] = [shown[0], shown.at(-1)];
  if (first === undefined || last === undefined) throw new Rejected("unsupported_edits");
  const earliest = least(shown.map((index) => packets[index]?.timestamp ?? 0));
  const start = track.isVideoTrack()
    ? await firstPicture(track, packets, first, earliest)
    : firstSound(packets, played.from);
  const key = packets[start]?.timestamp ?? 0;
  const notBefore = track.isVideoTrack() && key <= earliest ? key : -Infinity;
  const kept = packets.slice(start, last + 1).filter(({ timestamp }) => timestamp >= notBefore);
  const isSound = !track.isVideoTrack();
  // A packet that is shown in part counts if it is long: of a picture there is no more to see, of sound to hear.
  const hidden = kept.filter((packet) => !isShown(packet, played) || (isSound && packet.duration > PRIMING));
  const isPriming = isSound && start === 0 && isPrimed(packets, played.from);
  return {
    ...played,
    before: packets[start - 1],
    count: kept.length,
    notBefore,
    drops: kept.length < packets.length,
    hiddenBefore: isPriming ? 0 : Math.max(0, played.from - least(hidden.map(({ timestamp }) => timestamp))),
    hiddenAfter: Math.max(0, -least(hidden.map((packet) => -endOf(packet))) - played.to),
  };
}

/** Whether a track has packets before the time from which it plays, apart from the priming of sound. */
async function startsEarly(track: Track, from: number): Promise<boolean> {
  if (!Number.isFinite(from)) return false;
  const sink = new EncodedPacketSink(track);
  if (track.isVideoTrack()) return (await sink.getPacket(from - EXACT, LIGHT)) !== null;
  return ((await sink.getFirstPacket(LIGHT))?.timestamp ?? 0) < from - PRIMING;
}

/** Returns all packets in the order in which they are decoded, without their data. */
async function packetsOf(track: Track): Promise<EncodedPacket[]> {
  const packets: EncodedPacket[] = [];
  for await (const packet of new EncodedPacketSink(track).packets(undefined, undefined, LIGHT)) {
    if (packets.length === PACKETS_MAX) throw new Rejected("too_complex");
    packets.push(packet);
  }
  return packets;
}

/** Whether a packet is shown for longer than the rounding of an edit. */
function isShown(packet: EncodedPacket, { from, to }: Played): boolean {
  const { timestamp, duration } = packet;
  const starts = duration === 0 ? timestamp >= from - EXACT : endOf(packet) > from + EXACT;
  return starts && timestamp < to - Math.min(ROUNDING, duration / 2);
}

/** How many key frames before a cut are read to find one where any decoder can begin. */
const ENTRIES_READ = 8;

/**
 * Returns the index of the key frame to begin with: of those that are decoded and shown before all frames that are
 * shown, the last one where a decoder can begin. Throws `unsupported_edits` if none of the last few is one.
 */
async function firstPicture(
  track: InputVideoTrack,
  packets: EncodedPacket[],
  first: number,
  earliest: number,
): Promise<number> {
  const sink = new EncodedPacketSink(track);
  const { description } = (await track.getDecoderConfig()) ?? {};
  const format = unitFormatOf((await track.getCodec()) ?? "", description && bytesOf(description));
  const keys = packets.flatMap(({ type, timestamp }, at) =>
    type === "key" && at <= first && timestamp <= earliest ? [at] : [],
  );
  for (const at of keys.slice(-ENTRIES_READ).toReversed()) {
    const before = packets[at - 1];
    const packet = format && (before ? await sink.getNextPacket(before) : await sink.getFirstPacket());
    if (!format || (packet && isEntry(packet.data, format))) return at;
  }
  // A file may begin with frames that are shown before its first key frame. Nothing can be left out there.
  if (keys.length === 0) return 0;
  throw new Rejected("unsupported_edits");
}

/** Returns the index of the first packet that a decoder needs to play sound from `from` on. */
function firstSound(packets: EncodedPacket[], from: number): number {
  if (isPrimed(packets, from)) return 0;
  return packets.findIndex((packet) => endOf(packet) > from - PREROLL);
}

/** Whether sound begins no more than its priming before `from`. */
const isPrimed = ([first]: EncodedPacket[], from: number): boolean =>
  first !== undefined && first.timestamp >= from - PRIMING;

const endOf = ({ timestamp, duration }: EncodedPacket): number => timestamp + duration;
const least = (numbers: number[]): number => numbers.reduce((a, b) => Math.min(a, b), Infinity);

/** Describes a video, as far as that is possible without decoding it. */
import { EncodedPacketSink, type InputAudioTrack, type InputVideoTrack } from "mediabunny";
import type { Removed, VideoDetails } from "../../../schema/media/media-details.ts";
import type { VideoType } from "../../../schema/media/media-types.ts";
import { VIDEO_MAX_SECONDS } from "../../../schema/media/upload-limits.ts";
import { type ByteSource, Metered } from "../bytes/byte-source.ts";
import { Rejected } from "../files/rejections.ts";
import { type Demuxed, withDemuxer } from "./demux.ts";
import {
  DESCRIBE_BYTES_MAX,
  DESCRIBE_READS_MAX,
  FRAME_PIXELS_MAX,
  FRAME_SIDE_MAX,
  VIDEO_SLACK_MS,
} from "./containers/limits.ts";

export type Description = {
  /** In square pixels, upright. */
  width: number;
  height: number;
  /** Whether the player must mirror the picture after rotating it. */
  mirrored: boolean;
  /** `durationMs` is null for a file that does not state it, such as a WebM that a browser recorded. */
  video: Omit<VideoDetails, "durationMs"> & { durationMs: number | null };
  removed: Removed[];
};

/** How many frames of a WebM its frame rate is computed from. */
const FRAMES_SAMPLED = 60;
/** Makes the demuxer return the times of a frame without its data. */
const LIGHT = { metadataOnly: true };

/** Describes a file of `type`, or throws `Rejected`. Reads at most DESCRIBE_BYTES_MAX of it. */
export function describeVideo(source: ByteSource, type: VideoType): Promise<Description> {
  return withDemuxer(new Metered(source, DESCRIBE_BYTES_MAX, DESCRIBE_READS_MAX), type, description);
}

/** Describes a file that the demuxer has opened. */
export async function description(file: Demuxed): Promise<Description> {
  const { checked, video, audio, others, cuts } = file;
  const size = await sizeOf(video);
  const durationMs = checked.packets.size > 0 ? await lastEnd(file) : checked.durationMs;
  const parts = Object.values(cuts).filter((cut) => cut !== undefined);
  const drops = parts.some((cut) => cut.drops);
  if (durationMs !== null) checkDuration(durationMs);
  const codec = await codecOf(video);
  return {
    ...size,
    mirrored: await video.getFlip(),
    video: {
      codec,
      frameRate: await frameRateOf(file),
      rotation: await video.getRotation(),
      fastStart: checked.fastStart,
      audio: audio && (await audioOf(audio)),
      durationMs,
      ...hiddenIn(
        "hiddenBeforeMs",
        parts.map(({ hiddenBefore }) => hiddenBefore),
      ),
      ...hiddenIn(
        "hiddenAfterMs",
        parts.map(({ hiddenAfter }) => hiddenAfter),
      ),
    },
    removed: [...checked.removed, ...listed("other_tracks", others), ...listed("cut_parts", drops)]
      .filter(unique)
      .sort(),
  };
}

const listed = (kind: Removed, isRemoved: boolean): Removed[] => (isRemoved ? [kind] : []);

/** Returns a field with the longest of the times in ms, rounded up, or nothing if none is longer than half one. */
function hiddenIn(field: "hiddenBeforeMs" | "hiddenAfterMs", times: number[]): Partial<VideoDetails> {
  const longest = Math.max(0, ...times) * 1000;
  return longest > 0.5 ? { [field]: Math.ceil(longest - 0.001) } : {};
}

async function codecOf(video: InputVideoTrack): Promise<string> {
  const codec = (await video.getCodecParameterString()) ?? (await video.getCodec());
  if (codec === null) throw new Rejected("unsupported_codec");
  // The copy keeps the parameters of H.265 in its index only, as Safari requires, and that form is named hvc1.
  return codec.replace(/^hev1/, "hvc1");
}

const unique = <T>(value: T, index: number, all: T[]): boolean => all.indexOf(value) === index;

/** Rejects a duration that is invalid or longer than a video may be. */
export function checkDuration(ms: number): void {
  if (!Number.isFinite(ms) || ms < 0) throw new Rejected("corrupt");
  if (ms > VIDEO_MAX_SECONDS * 1000 + VIDEO_SLACK_MS) throw new Rejected("too_long");
}

async function sizeOf(video: InputVideoTrack): Promise<{ width: number; height: number }> {
  const width = Math.round(await video.getDisplayWidth());
  const height = Math.round(await video.getDisplayHeight());
  for (const [across, down] of [
    [width, height],
    [await video.getCodedWidth(), await video.getCodedHeight()],
  ] as const) {
    if (!(across > 0 && down > 0)) throw new Rejected("corrupt");
    if (across > FRAME_SIDE_MAX || down > FRAME_SIDE_MAX || across * down > FRAME_PIXELS_MAX)
      throw new Rejected("frame_too_large");
  }
  return { width, height };
}

/** Returns when the longer of the two tracks ends, in ms. */
async function lastEnd({ video, audio, cuts }: Demuxed): Promise<number> {
  const ends = [Math.min(await video.computeDuration(LIGHT), cuts.video?.to ?? Infinity)];
  if (audio) ends.push(Math.min(await audio.computeDuration(LIGHT), cuts.audio?.to ?? Infinity));
  return Math.round(Math.max(...ends) * 1000);
}

/** Averages over all frames if the file states their number, otherwise over the first ones. Null for a single frame. */
async function frameRateOf({ checked, video }: Demuxed): Promise<number | null> {
  const sink = new EncodedPacketSink(video);
  const first = await sink.getFirstPacket(LIGHT);
  if (!first) throw new Rejected("no_video");
  const frames = checked.packets.get(video.id);
  if (frames !== undefined) {
    const last = await sink.getPacket(Infinity, LIGHT);
    return rounded((frames - 1) / ((last?.timestamp ?? 0) - first.timestamp));
  }
  let sampled = 0;
  let [earliest, latest] = [Infinity, -Infinity];
  for await (const { timestamp } of sink.packets(undefined, undefined, LIGHT)) {
    earliest = Math.min(earliest, timestamp);
    latest = Math.max(latest, timestamp);
    sampled += 1;
    if (sampled === FRAMES_SAMPLED) break;
  }
  return rounded((sampled - 1) / (latest - earliest));
}

const rounded = (rate: number): number | null =>
  Number.isFinite(rate) && rate > 0 ? Math.round(rate * 100) / 100 : null;

async function audioOf(audio: InputAudioTrack): Promise<NonNullable<VideoDetails["audio"]>> {
  const codec = (await audio.getCodecParameterString()) ?? (await audio.getCodec());
  const [channels, sampleRate] = [await audio.getNumberOfChannels(), await audio.getSampleRate()];
  if (codec === null || !(channels > 0) || !(sampleRate > 0) || !Number.isFinite(sampleRate))
    throw new Rejected("corrupt");
  return { codec, channels, sampleRate };
}

/** Passes a file to the demuxer, and distinguishes faults of the file from failures of this service. */
import {
  CustomSource,
  Input,
  type InputAudioTrack,
  type InputVideoTrack,
  Logging,
  MATROSKA,
  MP4,
  QTFF,
  WEBM,
} from "mediabunny";
import { bytesOf } from "../../../schema/bytes.ts";
import type { VideoType } from "../../../schema/media/media-types.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import { Rejected } from "../files/rejections.ts";
import { checkIsoBmff } from "./containers/iso-bmff.ts";
import { READ_BYTES_MAX } from "./containers/limits.ts";
import type { CheckedFile } from "./containers/checked-file.ts";
import { playedPart } from "./containers/edit-lists.ts";
import { checkWebm } from "./containers/webm.ts";
import { type Cut, cutOf } from "./cuts.ts";
import { cleanConfig } from "./packets/decoder-configs.ts";
import { servedType } from "./served-type.ts";

// Otherwise it would log its warnings about uploaded files.
Logging.level = 0;

/** How much of a file the demuxer caches. `inBlocks` caches more. In bytes. */
const DEMUXER_CACHE = 1024 * 1024;

/** The codecs that browsers play in a file of each type. Few play VP8 or Vorbis in an MP4. */
const IN_MP4 = { video: ["avc", "hevc", "vp9", "av1"], audio: ["aac", "mp3", "opus", "flac"] };
const IN_WEBM = { video: ["vp8", "vp9", "av1"], audio: ["opus", "vorbis"] };
const PLAYED: Record<VideoType, { video: string[]; audio: string[] }> = {
  "video/mp4": IN_MP4,
  "video/quicktime": IN_MP4,
  "video/webm": IN_WEBM,
  "video/matroska": IN_WEBM,
};

export type Demuxed = {
  checked: CheckedFile;
  /** The first video track, and the first audio track in a codec that browsers play. */
  video: InputVideoTrack;
  audio: InputAudioTrack | null;
  /** Whether there are more video or audio tracks, even damaged ones. */
  others: boolean;
  /** What is copied of the two tracks, if their edit lists hide something of them. */
  cuts: { video: Cut | undefined; audio: Cut | undefined };
  /** Runs an operation whose failure is not the fault of the file. */
  passThrough: PassThrough;
};

export type PassThrough = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Returns what `work` makes of a file. If the demuxer fails, the file is `corrupt`, unless the source failed, or
 * another operation run by `passThrough`: that error is thrown unchanged. `wrap` wraps the source that the packets are
 * read from.
 */
export async function withDemuxer<T>(
  source: ByteSource,
  type: VideoType,
  work: (file: Demuxed) => Promise<T>,
  wrap: (view: ByteSource) => ByteSource = (view) => view,
): Promise<T> {
  let failure: { error: unknown } | undefined;
  const passThrough: PassThrough = async (run) => {
    try {
      return await run();
    } catch (error) {
      failure ??= { error };
      throw error;
    }
  };
  let input: Input | undefined;
  try {
    const guarded: ByteSource = { size: source.size, read: (...range) => passThrough(() => source.read(...range)) };
    const checked = await (servedType(type) === "video/webm" ? checkWebm(guarded) : checkIsoBmff(guarded));
    input = inputOf(wrap(checked.view), passThrough);
    const tracks = await tracksOf(input, type, checked);
    // The demuxer omits damaged tracks.
    const others = tracks.others || checked.packets.size > (tracks.audio ? 2 : 1);
    const cut = (track: InputVideoTrack | InputAudioTrack | null) => cutIn(checked, track);
    const cuts = { video: await cut(tracks.video), audio: await cut(tracks.audio) };
    return await work({ ...tracks, checked, others, cuts, passThrough });
  } catch (error) {
    if (failure) throw failure.error;
    throw error instanceof Rejected ? error : new Rejected("corrupt", { cause: error });
  } finally {
    input?.dispose();
  }
}

async function cutIn({ edits }: CheckedFile, track: InputVideoTrack | InputAudioTrack | null) {
  const list = track && edits.get(track.id);
  return list ? cutOf(track, playedPart(list)) : undefined;
}

const inputOf = (view: ByteSource, passThrough: PassThrough): Input =>
  new Input({
    formats: [MP4, QTFF, WEBM, MATROSKA],
    source: new CustomSource({
      getSize: () => view.size,
      read: (start, end) =>
        passThrough(() => {
          // A file may state any length for a frame, and the demuxer would hold that much in memory.
          if (end - start > READ_BYTES_MAX) throw new Rejected("too_complex");
          return view.read(start, end - start);
        }),
      maxCacheSize: DEMUXER_CACHE,
      // The caller of the next read gets the error.
      handleUnhandledError: () => undefined,
    }),
  });

async function tracksOf(input: Input, type: VideoType, { unplayed }: CheckedFile) {
  const [videos, audios] = [await input.getVideoTracks(), await input.getAudioTracks()];
  const [video] = videos;
  if (!video) throw new Rejected(unplayed.has("video") ? "unsupported_codec" : "no_video");
  const codec = await video.getCodec();
  if (codec === null || !PLAYED[type].video.includes(codec)) throw new Rejected("unsupported_codec");
  await checkConfig(video);
  const audio = await firstPlayed(audios, PLAYED[type].audio);
  if (!audio && (audios.length > 0 || unplayed.has("audio"))) throw new Rejected("unsupported_codec");
  await checkConfig(audio);
  return { video, audio, others: videos.length > 1 || audios.length > 1 };
}

/** Reads the configuration of a decoder, which states the format of the colours, or the kind of AAC. */
async function checkConfig(track: InputVideoTrack | InputAudioTrack | null): Promise<void> {
  const [codec, config] = [await track?.getCodec(), await track?.getDecoderConfig()];
  if (codec && config?.description) cleanConfig(codec, bytesOf(config.description));
}

async function firstPlayed(tracks: InputAudioTrack[], codecs: string[]): Promise<InputAudioTrack | null> {
  for (const track of tracks) {
    const codec = await track.getCodec();
    if (codec !== null && codecs.includes(codec)) return track;
  }
  return null;
}

/** Gives a file to the demuxer, and tells the faults of the file from failures of ours. */
import { CustomSource, Input, type InputAudioTrack, type InputVideoTrack, Logging, MP4, QTFF, WEBM } from "mediabunny";
import type { VideoType } from "../../../schema/media/media-types.ts";
import type { ByteSource } from "../inspection/byte-source.ts";
import { Rejected } from "../inspection/rejections.ts";
import { soundIsoBmff } from "./iso-bmff.ts";
import { READ_BYTES_MAX } from "./limits.ts";
import type { Sound } from "./sound.ts";
import { soundWebm } from "./webm.ts";

// It would write what it thinks of a stranger's file into our log.
Logging.level = 0;

/** What the demuxer keeps of what it has read. `inBlocks` keeps more. In bytes. */
const DEMUXER_CACHE = 1024 * 1024;

/** What browsers play in a file of each type. Few play VP8 or Vorbis in an MP4. */
const IN_MP4 = { video: ["avc", "hevc", "vp9", "av1"], audio: ["aac", "mp3", "opus", "flac"] };
const PLAYED: Record<VideoType, { video: string[]; audio: string[] }> = {
  "video/mp4": IN_MP4,
  "video/quicktime": IN_MP4,
  "video/webm": { video: ["vp8", "vp9", "av1"], audio: ["opus", "vorbis"] },
};

export type Demuxed = {
  sound: Sound;
  /** The first track of pictures, and the first one of sound in a codec that is played. */
  video: InputVideoTrack;
  audio: InputAudioTrack | null;
  /** Whether there are more tracks of pictures or sound, in whatever state. */
  others: boolean;
  /** Runs what may fail without the file being at fault. */
  ours: Ours;
};

export type Ours = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * What `work` makes of a file. A demuxer that fails has met a file it cannot read (`corrupt`), unless what failed was
 * the source, or something else that is run by `ours`: then that is thrown as it is. `ahead` is how the packets are read.
 */
export async function demuxed<T>(
  source: ByteSource,
  type: VideoType,
  work: (file: Demuxed) => Promise<T>,
  ahead: (view: ByteSource) => ByteSource = (view) => view,
): Promise<T> {
  let failure: { error: unknown } | undefined;
  const ours: Ours = async (run) => {
    try {
      return await run();
    } catch (error) {
      failure ??= { error };
      throw error;
    }
  };
  let input: Input | undefined;
  try {
    const told: ByteSource = { size: source.size, read: (...range) => ours(() => source.read(...range)) };
    const sound = await (type === "video/webm" ? soundWebm(told) : soundIsoBmff(told));
    input = inputOf(ahead(sound.view), ours);
    const tracks = await tracksOf(input, type);
    // A damaged track is none to the demuxer.
    const others = tracks.others || sound.packets.size > (tracks.audio ? 2 : 1);
    return await work({ ...tracks, sound, others, ours });
  } catch (error) {
    if (failure) throw failure.error;
    throw error instanceof Rejected ? error : new Rejected("corrupt", { cause: error });
  } finally {
    input?.dispose();
  }
}

const inputOf = (view: ByteSource, ours: Ours): Input =>
  new Input({
    formats: [MP4, QTFF, WEBM],
    source: new CustomSource({
      getSize: () => view.size,
      read: (start, end) =>
        ours(() => {
          // A file may say that a frame has any length, and the demuxer would hold it in memory.
          if (end - start > READ_BYTES_MAX) throw new Rejected("too_complex");
          return view.read(start, end - start);
        }),
      maxCacheSize: DEMUXER_CACHE,
      // Whoever waits for the next read is told.
      handleUnhandledError: () => undefined,
    }),
  });

async function tracksOf(input: Input, type: VideoType) {
  const [videos, audios] = [await input.getVideoTracks(), await input.getAudioTracks()];
  const [video] = videos;
  if (!video) throw new Rejected("no_video");
  const codec = await video.getCodec();
  if (codec === null || !PLAYED[type].video.includes(codec)) throw new Rejected("unsupported_codec");
  const audio = await firstPlayed(audios, PLAYED[type].audio);
  if (!audio && audios.length > 0) throw new Rejected("unsupported_codec");
  return { video, audio, others: videos.length > 1 || audios.length > 1 };
}

async function firstPlayed(tracks: InputAudioTrack[], codecs: string[]): Promise<InputAudioTrack | null> {
  for (const track of tracks) {
    const codec = await track.getCodec();
    if (codec !== null && codecs.includes(codec)) return track;
  }
  return null;
}

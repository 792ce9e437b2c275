import { describe, expect, it } from "vitest";
import { bytesInMemory, Metered } from "../../workers/media/bytes/byte-source.ts";
import { type Description, describeVideo } from "../../workers/media/videos/describe.ts";
import { servedType } from "../../workers/media/videos/served-type.ts";
import { ascii, describeBytes, filesOf, HAS_CORPUS, outcomeOf, rewritten, typeOf } from "./corpus-videos.ts";

type Known = {
  container: string;
  hasVideo: boolean;
  hasAudio: boolean;
  width: number;
  height: number;
  rotationDegrees: number;
  mirrorHorizontal?: boolean;
  durationUs?: number | null;
  tracks: { type: string; codec?: string; codecs?: string }[];
  locations: unknown[];
};

const CPU_MS = 50;
const DURATION_MS = 50;
const READS = 30;
/** The bytes that are read of every file, however small, if it has as many. */
const HEAD = 16 * 1024;

/** Returns the least CPU time of three runs in ms, after a warm-up run. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 4; run += 1) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return Math.min(...times.slice(1));
}

function differences(found: Description, known: Known): string[] {
  const turned = known.rotationDegrees % 180 !== 0;
  const { codecs } = known.tracks.find(({ type }) => type === "video") ?? {};
  const ms = known.durationUs === null ? null : (known.durationUs ?? NaN) / 1000;
  const compared: [string, unknown, unknown][] = [
    ["width", found.width, turned ? known.height : known.width],
    ["height", found.height, turned ? known.width : known.height],
    ["rotation", found.video.rotation, known.rotationDegrees],
    ["mirrored", found.mirrored, known.mirrorHorizontal ?? false],
    ["sound", found.video.audio !== null, known.hasAudio],
    ["codec", sameCodec(found.video.codec, codecs ?? ""), true],
  ];
  // For a fragmented file the other readers report null, while the demuxer adds up its fragments.
  if (ms !== null && Math.abs((found.video.durationMs ?? 0) - ms) > DURATION_MS)
    compared.push(["ms", found.video.durationMs, ms]);
  return compared.filter(([, a, b]) => a !== b).map(([what, a, b]) => `${what} ${String(a)}, not ${String(b)}`);
}

// The short form of an AV1 codec string leaves out the colours, so a prefix is enough.
const sameCodec = (found: string, known: string): boolean => found.toLowerCase().startsWith(known.toLowerCase());

/** Returns the properties of a video that affect how it plays. */
const played = ({ width, height, mirrored, video }: Description) => ({
  width,
  height,
  mirrored,
  codec: video.codec,
  frameRate: video.frameRate,
  rotation: video.rotation,
  audio: video.audio,
});

// Places that hold positions: user data of QuickTime and 3GPP, QuickTime's metadata keys, and tracks of timed metadata.
const POSITIONS = /\xa9xyz|loci|ISO6709|location|mebx|mett|udta|ilst|keys|[+-]\d{1,2}\.\d{3,}[+-]\d{1,3}\.\d{3,}/;

describe.skipIf(!HAS_CORPUS)("videos of other projects", { timeout: 60_000 }, () => {
  it("are described as by two other readers", async () => {
    const others: Record<string, string> = {};
    const counts = { right: 0, withoutPictures: 0 };
    for (const [name, known, bytes] of filesOf<Known>("videos")) {
      const found = await describeBytes(bytes);
      if (!known.hasVideo) {
        // One of these files is encrypted, which is detected first.
        expect(["no_video", "unsupported_codec"], name).toContain(found);
        counts.withoutPictures += 1;
      } else {
        const wrong = typeof found === "string" ? found : differences(found, known).join("; ");
        if (wrong) others[name] = wrong;
        else counts.right += 1;
      }
    }
    expect(others).toEqual({
      // No browser plays H.263 or MPEG-4 Part 2.
      "androidx/bbb_176x144_128kbps_15fps_h263.3gp": "unsupported_codec",
      "androidx/bbb_176x144_192kbps_15fps_mpeg4.mp4": "unsupported_codec",
      // Matroska with H.264, and one whose tracks are described behind its packets.
      "androidx/sample_last_cluster.mkv": "too_complex",
      "androidx/sample_with_ass_subtitles.mkv": "unsupported_codec",
      "androidx/sample_with_null_terminated_srt.mkv": "unsupported_codec",
      "androidx/sample_with_overlapping_srt.mkv": "unsupported_codec",
      "androidx/sample_with_pgs_subtitles.mkv": "unsupported_codec",
      "androidx/sample_with_ssa_subtitles.mkv": "unsupported_codec",
      // Its packets are in two places, and the demuxer would read one of them.
      "androidx/sample_partially_fragmented.mp4": "too_complex",
      // Colours at full resolution (4:4:4).
      "androidx/iibbibb_editlist_videoonly.mp4": "unsupported_chroma",
      // Dolby Vision over H.265, described and played as H.265.
      "androidx/sample_with_color_info.mp4": "codec false, not true",
      // The packets of its index are not in the file.
      "mp4parse/bipbop_nonfragment_header.mp4": "corrupt",
      // Coded at half its height and shown at its full height.
      "libwebm/test_stereo_left_right.webm": "height 288, not 144",
    });
    expect(counts).toEqual({ right: 41, withoutPictures: 23 });
  });

  it("play as before after the rewrite, with their index first and without any position", async () => {
    const refused: Record<string, string> = {};
    const counts = { served: 0, located: 0 };
    for (const [name, known, bytes] of filesOf<Known>("videos")) {
      const found = await describeBytes(bytes);
      if (typeof found === "string") continue;
      const copy = await outcomeOf(rewritten(bytes));
      if (typeof copy === "string") {
        refused[name] = copy;
        continue;
      }
      const again = await describeVideo(bytesInMemory(copy), servedType(typeOf(bytes)));
      counts.served += 1;
      if (known.locations.length > 0) {
        counts.located += 1;
        expect([name, found.removed]).toEqual([name, expect.arrayContaining(["location"])]);
        expect(ascii(bytes), name).toMatch(POSITIONS);
      }
      expect(ascii(copy), name).not.toMatch(POSITIONS);
      expect([name, again.video.fastStart, again.removed]).toEqual([name, true, []]);
      expect([name, played(again)]).toEqual([name, played(found)]);
      // A WebM rounds durations to ms.
      expect(Math.abs((again.video.durationMs ?? 0) - (found.video.durationMs ?? 0)), name).toBeLessThanOrEqual(1);
    }
    expect(refused).toEqual({
      // Their only packet is no key frame, so nothing could be shown.
      "libwebm/chapters.webm": "corrupt",
      "libwebm/projection.webm": "corrupt",
      "libwebm/set_pixelwidth_pixelheight.webm": "corrupt",
      "libwebm/simple_block.webm": "corrupt",
      "libwebm/webm_doctype.webm": "corrupt",
    });
    expect(counts).toEqual({ served: 38, located: 14 });
  });

  it("are either described or rejected when they are damaged", async () => {
    const ends: Record<string, number> = {};
    const served: string[] = [];
    for (const [name, { rule }, bytes] of filesOf<{ rule: "reject" | "no-crash" }>("videos-broken")) {
      const found = await describeBytes(bytes);
      const copy = typeof found === "string" ? found : await outcomeOf(rewritten(bytes));
      if (rule === "reject") expect(typeof copy, name).toBe("string");
      if (typeof found !== "string") expectSane(found, name);
      if (typeof copy === "string") ends[copy] = (ends[copy] ?? 0) + 1;
      else served.push(name);
    }
    expect(ends).toEqual({ corrupt: 168, no_video: 19, unsupported_codec: 4 });
    expect(served).toEqual([
      "androidx/sample_mdat_too_long.mp4",
      "androidx/sample_missing_stsd.mp4",
      "androidx/sample_with_invalid_nalu.mp4",
      "mp4parse/video_colr_nclx_and_icc.mp4",
    ]);
  });

  it("are cut where their edit lists cut them", async () => {
    const cut: Record<string, number | undefined> = {};
    for (const [name, , bytes] of filesOf<Known>("videos")) {
      const found = await describeBytes(bytes);
      if (typeof found === "string" || !found.removed.includes("cut_parts")) continue;
      cut[name] = found.video.durationMs ?? undefined;
    }
    expect(cut).toEqual({ "androidx/bt601.mov": 1020, "androidx/sample_with_color_info.mp4": 300 });
  });

  it("take at most 50 ms of CPU and 30 reads to describe", async () => {
    const most = { cpu: 0, reads: 0 };
    for (const folder of ["videos", "videos-broken"]) {
      for (const [name, , bytes] of filesOf<unknown>(folder)) {
        const source = new Metered(bytesInMemory(bytes), Infinity, Infinity);
        await outcomeOf(describeVideo(source, typeOf(bytes)));
        const cpu = await cpuOf(() => describeBytes(bytes));
        expect(cpu, name).toBeLessThanOrEqual(CPU_MS);
        expect(source.reads, name).toBeLessThanOrEqual(READS);
        // All these files are small, so the demuxer also reads past what it needs.
        expect(source.bytesRead, name).toBeLessThanOrEqual(2 * bytes.length + HEAD);
        most.cpu = Math.max(most.cpu, cpu);
        most.reads = Math.max(most.reads, source.reads);
      }
    }
    console.log(`describing a video took ${most.cpu.toFixed(1)} ms of CPU and ${most.reads} reads at most`);
  });
});

/** Expects that JSON can represent every number and that the duration is not negative. */
function expectSane(found: Description, name: string): void {
  expect(JSON.parse(JSON.stringify(found)), name).toEqual(found);
  expect(found.video.durationMs ?? 0, name).toBeGreaterThanOrEqual(0);
}

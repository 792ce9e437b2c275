/** Looks for anything private in what is served of the videos of other projects. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ascii, filesOf, HAS_CORPUS, outcomeOf, rewritten, typeOf } from "./corpus-videos.ts";

/** Positions, and the boxes and keys that hold them. */
const POSITIONS =
  /\xa9(?:xyz|nam|cmt|day|mak|mod|swr)|loci|ISO6709|location|mebx|mett|udta|ilst|[+-]\d{1,2}\.\d{3,}[+-]\d{1,3}\.\d{3,}/;
/** Names and settings of encoders, editing data, and times. */
const NOTES = /x26[45] - |Lav[cf]\d|LAME\d|Xiph|ns\.adobe|Exif|[12]\d{3}[-:][01]\d[-:][0-3]\d/;

const has = (program: string, option: string): boolean => spawnSync(program, [option]).error === undefined;
const HAS_EXIFTOOL = has("exiftool", "-ver");
const HAS_FFPROBE = has("ffprobe", "-version");
for (const [program, isThere] of [
  ["exiftool", HAS_EXIFTOOL],
  ["ffprobe", HAS_FFPROBE],
] as const)
  if (HAS_CORPUS && !isThere) console.warn(`SKIPPED: ${program} is not installed, so it reads no served video`);

/** The tags that the muxer writes into every file. */
const OWN_TAGS =
  /^(major_brand|minor_version|compatible_brands|creation_time|handler_name|language|vendor_id|encoder|DURATION)$/i;
/** The groups of tags that describe the file and its tracks. Notes of any kind have groups of their own. */
const OWN_GROUPS = /^(ExifTool|System|File|QuickTime|Track\d|Composite|Matroska|Info)$/;

describe.skipIf(!HAS_CORPUS)("what is served of videos of other projects", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "served-"));
  const served: [name: string, path: string, bytes: Uint8Array][] = [];

  beforeAll(async () => {
    for (const [name, , bytes] of [...filesOf("videos"), ...filesOf("videos-broken")]) {
      const copy = await outcomeOf(rewritten(bytes));
      if (typeof copy === "string") continue;
      const path = join(folder, `${served.length}.${typeOf(bytes) === "video/webm" ? "webm" : "mp4"}`);
      writeFileSync(path, copy);
      served.push([name, path, copy]);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("has no byte of positions and notes", () => {
    expect(served.length).toBeGreaterThan(40);
    for (const [name, , bytes] of served) {
      expect(ascii(bytes), name).not.toMatch(POSITIONS);
      expect(ascii(bytes), name).not.toMatch(NOTES);
    }
  });

  it.skipIf(!HAS_EXIFTOOL)("has nothing that exiftool finds", () => {
    const text = execFileSync("exiftool", ["-json", "-G1", "-ee", ...served.map(([, path]) => path)], {
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    });
    for (const found of JSON.parse(text) as Record<string, unknown>[]) {
      const groups = Object.keys(found).flatMap((key) => key.split(":").slice(0, -1));
      expect(groups.filter((group) => !OWN_GROUPS.test(group))).toEqual([]);
      expect(Object.keys(found).filter((key) => /gps|location|software|comment/i.test(key))).toEqual([]);
    }
  });

  it.skipIf(!HAS_FFPROBE)("has no tags that ffprobe finds", () => {
    for (const [name, path] of served) {
      const options = ["-v", "quiet", "-of", "json", "-show_format", "-show_streams", "-show_chapters"];
      const { format, streams, chapters } = JSON.parse(
        execFileSync("ffprobe", [...options, path], { encoding: "utf8" }),
      ) as {
        format: { tags?: object };
        streams: { tags?: object }[];
        chapters: unknown[];
      };
      expect(chapters, name).toEqual([]);
      const tags = [format, ...streams].flatMap((part) => Object.keys(part.tags ?? {}));
      expect(
        tags.filter((tag) => !OWN_TAGS.test(tag)),
        name,
      ).toEqual([]);
    }
  });
});

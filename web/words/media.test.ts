import { expect, it } from "vitest";
import { Motion, Removed } from "../../schema/media/media-details.ts";
import { clock, factsOf, hiddenInWords, motionInWords, removedInWords, size, spoken } from "./media.ts";

it("lists what was removed once each, in a fixed order", () => {
  expect(removedInWords([])).toBeUndefined();
  expect(removedInWords(["gps"])).toBe("Location was removed.");
  expect(removedInWords(["other_tracks"])).toBe("Extra tracks were removed.");
  expect(removedInWords(["exif", "gps"])).toBe("Location and camera data were removed.");
  expect(removedInWords(["thumbnail", "location", "gps", "exif"])).toBe(
    "Location, camera data and an embedded preview were removed.",
  );
});

it("has words for everything that inspection can remove", () => {
  for (const removed of Removed.options) expect(removedInWords([removed])).toMatch(/^[A-Z][^_]+ (was|were) removed\.$/);
});

it("says whether a picture will move and, if not, why and what to do", () => {
  expect(motionInWords({})).toBeUndefined();
  expect(motionInWords({ motion: "kept", frames: 3 })).toMatch(/^Moves, 3 frames\. /);
  for (const motion of Motion.options.filter((one) => one !== "kept")) {
    expect(motionInWords({ motion, frames: 3 })).toMatch(
      /^This picture moves\. Only its first frame will be shown, because .+\. To show it moving, .+\.$/,
    );
  }
});

it("writes durations and sizes in the largest unit that fits", () => {
  expect([0, 7400, 59_600, 160_000].map(clock)).toEqual(["0:00", "0:07", "1:00", "2:40"]);
  expect([200, 1000, 60_000, 161_000].map(spoken)).toEqual([
    "1 second",
    "1 second",
    "1 minute",
    "2 minutes and 41 seconds",
  ]);
  expect([12, 2048, 1_600_000, 536_870_912].map(size)).toEqual(["12 bytes", "2 kB", "1.5 MB", "512 MB"]);
});

it("lists only the metadata a file carries, with times in the camera's own zone", () => {
  const media = { id: "m", state: "ready", alt: "", createdAt: "2026-05-01T10:00:00Z" } as unknown as Parameters<
    typeof factsOf
  >[0];
  const photograph = { ...media, contentType: "image/jpeg", bytes: 2048, width: 40, height: 30 };
  expect(factsOf(photograph)).toEqual([
    ["File", "JPEG, 2 kB"],
    ["Size", "40 × 30 pixels"],
  ]);
  const details = { takenAt: "2026-05-01T23:30:00", takenOffset: "+02:00", camera: "X100" };
  expect(Object.fromEntries(factsOf({ ...photograph, details }))).toMatchObject({
    Camera: "X100",
    Taken: "1 May 2026 at 23:30 (UTC+02:00)",
  });
});

it("says what of a trimmed video remains in its file", () => {
  const video = { codec: "avc1.64001f", frameRate: 30, rotation: 0, fastStart: true, audio: null, durationMs: 2000 };
  expect(hiddenInWords(video)).toBeUndefined();
  expect(hiddenInWords({ ...video, hiddenBeforeMs: 480 })).toMatch(/^0\.5 s before the start of your cut remain in/);
  expect(hiddenInWords({ ...video, hiddenBeforeMs: 1200, hiddenAfterMs: 34 })).toMatch(
    /^1\.2 s before the start and 0\.1 s after the end of your cut remain/,
  );
});

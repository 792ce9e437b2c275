import { expect, it } from "vitest";
import { tiff } from "../../../../tests/runtime/media/picture-bytes.ts";
import { readExif } from "./exif.ts";

const photograph = () => tiff({ orientation: 8, make: "Acme", model: "Phone", taken: "2026:05:01 12:30:59" });
const NOTHING = { orientation: null, takenAt: null, takenOffset: null, camera: null, lens: null };

it("reads the tags that are present", () => {
  const known = { ...NOTHING, orientation: 8, takenAt: "2026-05-01T12:30:59", camera: "Acme Phone" };
  expect(readExif(photograph())).toEqual(known);
  expect(readExif(new Uint8Array())).toEqual(NOTHING);
  expect(readExif(undefined)).toEqual(NOTHING);
});

it.each([
  ["0000:00:00 00:00:00", "Acme", "", "Acme"],
  ["2026:02:30 12:00:00", "", "", null],
  ["yesterday", "Acme", "Acme Phone\u0007 5", "Acme Phone 5"],
  ["", "Acme", "x".repeat(300), `Acme ${"x".repeat(95)}`],
])("drops invalid values: %s", (taken, make, model, camera) => {
  expect(readExif(tiff({ orientation: 9, make, model, taken }))).toEqual({ ...NOTHING, camera });
});

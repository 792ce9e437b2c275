import { expect, it } from "vitest";
import { isSentInParts, kindOf, refusalOf } from "./files.ts";

const MB = 1024 * 1024;
const file = (name: string, type: string, size: number) => ({ name, type, size });

it("recognizes videos by their type, or by their name when the system knows no type", () => {
  expect(kindOf(file("a.mov", "video/quicktime", 1))).toBe("video");
  expect(kindOf(file("A.MOV", "", 1))).toBe("video");
  expect(kindOf(file("a.heic", "", 1))).toBe("picture");
  expect(kindOf(file("a.jpg", "image/jpeg", 1))).toBe("picture");
});

it("uploads videos and large pictures in parts", () => {
  expect(isSentInParts(file("a.jpg", "image/jpeg", 5 * MB - 1))).toBe(false);
  expect(isSentInParts(file("a.jpg", "image/jpeg", 5 * MB))).toBe(true);
  expect(isSentInParts(file("a.webm", "video/webm", 1))).toBe(true);
});

it("refuses only files that are empty, too large or too long", () => {
  expect(refusalOf(file("a.jpg", "image/jpeg", 25 * MB))).toBeUndefined();
  expect(refusalOf(file("a.jpg", "image/jpeg", 31 * MB))).toBe("Photos can be up to 25 MB; this one is 31 MB.");
  expect(refusalOf(file("a.mp4", "video/mp4", 31 * MB))).toBeUndefined();
  expect(refusalOf(file("a.mp4", "video/mp4", 600 * MB))).toContain("up to 512 MB");
  expect(refusalOf(file("a.mp4", "video/mp4", MB), 180_000)).toBeUndefined();
  expect(refusalOf(file("a.mp4", "video/mp4", MB), 252_000)).toBe(
    "Videos can be up to 3 minutes long; this one is 4:12.",
  );
  expect(refusalOf(file("a.png", "image/png", 0))).toBe("The file is empty.");
});

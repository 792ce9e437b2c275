import { expect, it } from "vitest";
import { readExif } from "./exif.ts";
import { jpeg } from "../../../tests/runtime/media.ts";

const photograph = () => jpeg(8, 8, { orientation: 8, make: "Acme", model: "Phone", taken: "2026:05:01 12:30:59" });

it("reads what there is", async () => {
  const known = { orientation: 8, takenAt: "2026-05-01T12:30:59", camera: "Acme Phone" };
  expect(readExif(await photograph())).toEqual(known);
  expect(readExif(new ArrayBuffer())).toEqual({ orientation: null, takenAt: null, camera: null });
});

it("never fails, wherever the file is cut off or damaged", async () => {
  const file = await photograph();
  for (let length = 0; length < file.byteLength; length += 1) readExif(file.slice(0, length));
  const bytes = new Uint8Array(file);
  for (let bit = 0; bit < 1100 * 8; bit += 1) {
    const at = bit >> 3;
    const whole = bytes[at] ?? 0;
    bytes[at] = whole ^ (1 << (bit & 7));
    const { orientation, camera } = readExif(file);
    expect([null, 1, 2, 3, 4, 5, 6, 7, 8]).toContain(orientation);
    expect(camera ?? "").not.toMatch(/\p{C}/u);
    bytes[at] = whole;
  }
});

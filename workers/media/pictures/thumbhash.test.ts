import { env } from "cloudflare:workers";
import { encode } from "fast-png";
import { thumbHashToApproximateAspectRatio, thumbHashToAverageRGBA } from "thumbhash";
import { expect, it } from "vitest";
import { png } from "../../../tests/runtime/media/media.ts";
import { thumbhashOf } from "./thumbhash.ts";

async function hashOf(picture: ArrayBuffer | Uint8Array): Promise<Uint8Array> {
  const key = `tests/${crypto.randomUUID()}`;
  await env.MEDIA.put(key, picture);
  return Uint8Array.from(atob(await thumbhashOf(env, key)), (character) => character.charCodeAt(0));
}

/** Makes a PNG of one colour, with as many channels as there are values. */
const plain = (width: number, height: number, ...colour: number[]) =>
  encode({
    width,
    height,
    channels: colour.length,
    data: Uint8Array.from({ length: width * height * colour.length }, (_, at) => colour[at % colour.length] ?? 0),
  });

const rounded = ({ r, g, b, a }: { r: number; g: number; b: number; a: number }) =>
  [r, g, b, a].map((value) => Math.round(value * 10) / 10);

it("reproduces the average colour and the aspect ratio of a picture", async () => {
  const red = await hashOf(plain(300, 100, 255, 0, 0));
  expect(rounded(thumbHashToAverageRGBA(red))).toEqual([1, 0, 0, 1]);
  expect(thumbHashToApproximateAspectRatio(red)).toBeGreaterThan(2);
  expect(rounded(thumbHashToAverageRGBA(await hashOf(await png(120, 120))))).toEqual([0.5, 0.5, 0.5, 1]);
});

it("keeps transparency, and accepts a picture of one pixel", async () => {
  expect(rounded(thumbHashToAverageRGBA(await hashOf(plain(40, 40, 0, 0, 255, 128))))).toEqual([0, 0, 1, 0.5]);
  expect(rounded(thumbHashToAverageRGBA(await hashOf(plain(1, 1, 255, 255, 255))))).toEqual([1, 1, 1, 1]);
});

it("rejects a file that is not a picture", async () => {
  await expect(hashOf(new TextEncoder().encode("no picture"))).rejects.toThrow("undecodable");
});

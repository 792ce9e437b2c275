/** The colours that are served of pictures in other colour spaces than sRGB, by their pixels. */
import { expect, it } from "vitest";
import { requestAs, inspected } from "../../../tests/runtime/media/media.ts";
import { cicp, colourIn, colourPng } from "../../../tests/runtime/media/colours.ts";
import { bytes, chunk } from "../../../tests/runtime/media/picture-bytes.ts";
import { claim } from "../../../tests/runtime/media/served-media.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { iccProfileOf } from "./icc-profile.ts";

const served = async (id: string, variant: string, accept: string) => {
  const response = await requestAs(undefined, `/media/${id}/${variant}`, { headers: { accept } });
  expect(response.status).toBe(200);
  return colourIn(await response.arrayBuffer());
};

/** The largest difference of two colours in one channel. Encoders lose a little. */
const difference = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, channel) => Math.abs(value - (b[channel] ?? 0))));

async function iccp(primaries: number, transfer: number) {
  const profile = iccProfileOf(primaries, transfer) ?? new Uint8Array();
  const deflated = new Blob([profile]).stream().pipeThrough(new CompressionStream("deflate"));
  return chunk("iCCP", bytes("a profile\0", 0, new Uint8Array(await new Response(deflated).arrayBuffer())));
}

const ORANGE = [200, 100, 50];
/** Display P3's orange in sRGB: more red, less blue. */
const P3_ORANGE = [215, 93, 32];
const WHITE = [245, 245, 245];

it.each([
  ["no named colours", ORANGE, async () => [], null, ORANGE],
  ["Display P3, named by numbers", ORANGE, async () => [cicp(12, 13)], "Display P3", P3_ORANGE],
  ["Display P3, named by a profile", ORANGE, async () => [await iccp(12, 13)], "H.273", P3_ORANGE],
  ["numbers that contradict a profile", ORANGE, async () => [await iccp(1, 13), cicp(12, 13)], "Display P3", P3_ORANGE],
  ["BT.2020", ORANGE, async () => [cicp(9, 13)], "BT.2020", [241, 77, 29]],
  ["sRGB, named by numbers", ORANGE, async () => [await iccp(12, 13), cicp(1, 13)], "sRGB", ORANGE],
  ["HDR white in PQ", [148, 148, 148], async () => [cicp(9, 16)], "BT.2100 PQ", WHITE],
  ["HDR white in HLG", [191, 191, 191], async () => [cicp(9, 18)], "BT.2100 HLG", WHITE],
] as const)("shows a picture with %s as it is meant", async (_, colour, before, colorProfile, expected) => {
  const media = await inspected(newPerson(), await colourPng(1200, 40, colour, [...(await before())]));
  await claim(media.id);
  expect(media.details?.colorProfile ?? null).toBe(colorProfile);
  expect(media.details?.removed?.includes("hdr")).toBe(colorProfile?.startsWith("BT.2100") ?? false);
  for (const variant of ["w320", "thumb", "w1080", "w1600"])
    expect(difference(await served(media.id, variant, "image/webp"), expected), variant).toBeLessThan(6);
  expect(difference(await served(media.id, "w320", "*/*"), expected), "as JPEG").toBeLessThan(8);
});

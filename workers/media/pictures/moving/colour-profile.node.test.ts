import { deflateSync, inflateSync } from "node:zlib";
import sharp from "sharp";
import { expect, it } from "vitest";
import { copied } from "../../../../tests/runtime/media/copied.ts";
import { announced, frameControl, frameData, pixelData, pngOf } from "../../../../tests/runtime/media/moving-bytes.ts";
import { bytes, chunk, ihdr, riffChunk, u32, webp } from "../../../../tests/runtime/media/picture-bytes.ts";
import { coloursAlone } from "./colour-profile.ts";

const RED = { create: { width: 8, height: 8, channels: 3, background: "#ff0000" } } as const;

/** Returns a profile as a program wrote it into a picture. */
async function profileOf(name: "srgb" | "p3"): Promise<Uint8Array> {
  const file = await sharp(RED).withIccProfile(name).png().toBuffer();
  const { icc } = await sharp(file).metadata();
  if (!icc) throw new Error("no profile");
  return new Uint8Array(icc);
}

/** Decodes a picture with the profile, converted to the colours of a usual screen. */
async function coloursWith(profile: Uint8Array): Promise<Buffer> {
  const plain = new Uint8Array(await sharp(RED).png().toBuffer());
  const icc = chunk("iCCP", bytes("icc\0\0", deflateSync(profile)));
  const file = bytes(plain.subarray(0, 33), icc, plain.subarray(33)); // After the header.
  return sharp(file).toColourspace("srgb").raw().toBuffer();
}

it.each(["srgb", "p3"] as const)("keeps the colours of %s, and nothing else", async (name) => {
  const profile = await profileOf(name);
  expect(Buffer.from(profile).toString("latin1")).toMatch(/cprt/);
  const alone = coloursAlone(profile);
  if (!alone) throw new Error("not copied");
  expect(Buffer.from(alone).toString("latin1")).not.toMatch(/cprt|desc|dmnd/);
  expect(alone.length).toBeLessThan(profile.length);
  expect(await coloursWith(alone)).toEqual(await coloursWith(profile));
  expect(coloursAlone(alone)).toEqual(alone);
});

it("does not keep what is hidden in the header, the curves or unused bytes", async () => {
  const profile = await profileOf("p3");
  const clean = coloursAlone(profile);
  const hidden = profile.slice();
  for (const at of [4, 24, 40, 48, 56, 80, 84, 100]) hidden.set(bytes("HIDE"), at);
  expect(coloursAlone(hidden)).toEqual(clean);
  expect(coloursAlone(bytes(hidden, "HIDE"))).toEqual(clean);
});

it("leaves out a profile that is damaged, of tables, or not for a screen", async () => {
  const profile = await profileOf("p3");
  expect(coloursAlone(profile.slice(0, 200))).toBeUndefined();
  expect(coloursAlone(new Uint8Array())).toBeUndefined();
  expect(coloursAlone(bytes("not a profile"))).toBeUndefined();
  expect(coloursAlone(bytes(profile.subarray(0, 16), "CMYKLab ", profile.subarray(24)))).toBeUndefined();
  const endless = bytes(profile.subarray(0, 128), u32(0xffffffff), profile.subarray(132));
  expect(() => coloursAlone(endless)).not.toThrow();
  for (let length = 0; length < profile.length; length += 7) coloursAlone(profile.slice(0, length));
});

it("writes the profile into the copy of a PNG and of a WebP", async () => {
  const profile = await profileOf("p3");
  const alone = coloursAlone(profile) ?? bytes();
  const iccp = chunk("iCCP", bytes("A secret name\0\0", deflateSync(profile)));
  const frames = [announced(2), frameControl(0), pixelData, frameControl(1), frameData(2)];
  const png = Buffer.from(await copied(pngOf(ihdr(1, 1), iccp, ...frames)));
  expect(png.toString("latin1")).not.toMatch(/secret/);
  const at = png.indexOf("iCCPicc\0\0") + 9;
  expect(inflateSync(png.subarray(at))).toEqual(Buffer.from(alone));

  const animated = await sharp(RED).webp().toBuffer();
  const moving = await sharp(
    [
      animated,
      await sharp({ create: { ...RED.create, background: "#00ff00" } })
        .webp()
        .toBuffer(),
    ],
    {
      join: { animated: true },
    },
  )
    .webp({ loop: 0, delay: [100, 200] })
    .toBuffer();
  const [head, rest] = [new Uint8Array(moving.subarray(12, 30)), new Uint8Array(moving.subarray(30))];
  head[8] = (head[8] ?? 0) | 0x20;
  const copy = await copied(webp(head, riffChunk("ICCP", profile), rest));
  const { icc, pages, delay } = await sharp(copy as Uint8Array, { animated: true }).metadata();
  expect([icc, pages, delay]).toEqual([Buffer.from(alone), 2, [100, 200]]);
});

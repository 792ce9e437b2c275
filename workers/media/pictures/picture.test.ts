import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { Media } from "../../../schema/api/media.ts";
import { MADE_AT_INSPECTION } from "../../../schema/media/renditions.ts";
import { inspected, jpeg, png } from "../../../tests/runtime/media/media.ts";
import {
  bytes,
  GIF_END,
  gifControl,
  gifExtension,
  gifFrame,
  gifHead,
  heif,
  ispe,
} from "../../../tests/runtime/media/picture-bytes.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { renditionKey } from "../files/objects.ts";

const PHONE = { orientation: 6, make: "Acme", model: "Phone", taken: "2026:05:01 12:30:59" };

const served = async ({ id }: Media): Promise<string> => {
  const objects = await Promise.all(MADE_AT_INSPECTION.map((variant) => env.MEDIA.get(renditionKey(id, variant))));
  const texts = objects.map(async (object) => new TextDecoder("latin1").decode(await object?.arrayBuffer()));
  return (await Promise.all(texts)).join("");
};

it("shows the first frame of an animation, and reports the number of frames", async () => {
  const frames = bytes(gifControl, gifFrame, gifControl, gifFrame);
  const media = await inspected(newPerson(), bytes(gifHead(4, 3), gifExtension(0xfe, "EICAR"), frames, GIF_END).buffer);
  expect(media).toMatchObject({ state: "ready", width: 4, height: 3, details: { frames: 2, removed: ["comment"] } });
  expect(await served(media)).not.toMatch("EICAR");
});

it("serves nothing of the bytes after a picture", async () => {
  for (const file of [await png(8, 6), await jpeg(8, 6, { ...PHONE, orientation: 1 })]) {
    const media = await inspected(newPerson(), bytes(new Uint8Array(file), "<script>alert(1)</script>").buffer);
    expect(media).toMatchObject({ state: "ready", width: 8, height: 6 });
    expect(media.details?.removed).toContain("trailer");
    expect(await served(media)).not.toMatch("script");
  }
});

it("tells the owner what to do about a HEIC picture that the decoder cannot read", async () => {
  const item = { id: 1, type: "hvc1", data: bytes("picture"), properties: [ispe(40, 30)] };
  const media = await inspected(newPerson(), heif([item], { brand: "heic" }).buffer);
  expect(media).toMatchObject({ state: "rejected", rejection: { code: "heic_not_decoded", mayRetry: true } });
  expect(media.rejection?.detail).toMatch("JPEG");
});

it("settles a picture that is damaged or truncated anywhere", async () => {
  const file = new Uint8Array(await jpeg(8, 6, PHONE));
  const damaged = Array.from({ length: 12 }, (_, index) => {
    const at = Math.floor((index * file.length) / 12);
    return index % 2 ? file.slice(0, at) : file.with(at, (file[at] ?? 0) ^ (1 << (index % 8)));
  });
  const ends = await Promise.all(
    damaged.slice(1).map(async (bytes) => (await inspected(newPerson(), bytes.slice(0).buffer)).state),
  );
  expect(ends.filter((state) => state !== "ready" && state !== "rejected")).toEqual([]);
});

import { expect, it } from "vitest";
import { contentOf, edited, mp4, u32 } from "../../../tests/runtime/media/video-files.ts";
import type { VideoType } from "../../../schema/media/media-types.ts";
import { bytesInMemory } from "../bytes/byte-source.ts";
import { Rejected } from "../files/rejections.ts";
import { describeVideo } from "./describe.ts";
import { rewrite } from "./rewrite.ts";

const SECRET = "+52.5200+013.4050/";
const TAGS = { tags: { comment: SECRET.repeat(20) } };

/** Returns what is served of a file, as text with one character a byte, or the code of its rejection. */
async function served(file: Uint8Array, type: VideoType = "video/mp4"): Promise<string> {
  const copy = new Uint8Array(file.length + 100_000);
  try {
    await describeVideo(bytesInMemory(file), type);
    await rewrite(bytesInMemory(file), type, (position, bytes) => Promise.resolve(copy.set(bytes, position)));
  } catch (error) {
    if (error instanceof Rejected) return error.code;
    throw error;
  }
  return new TextDecoder("latin1").decode(copy);
}

/** Returns a file whose nth box of a type has other bytes at offset `at` of its contents. */
function changed(file: Uint8Array, type: string, at: number, bytes: number[], nth = 0): Uint8Array {
  const text = new TextDecoder("latin1").decode(file);
  const copy = file.slice();
  copy.set(bytes, text.split(type, nth + 1).join(type).length + 4 + at);
  return copy;
}

const placeOf = (file: Uint8Array, text: string) => new TextDecoder("latin1").decode(file).indexOf(text);
/** The code of a rejection. */
const CODE = /^[a-z_]+$/;
const chunk = (file: Uint8Array, nth = 0) => {
  const text = new TextDecoder("latin1").decode(file);
  return new DataView(file.buffer).getUint32(text.split("stco", nth + 1).join("stco").length + 4 + 8);
};

// Sound is opaque: no other check looks at what the index takes for its packets. Its tables are the second of the file.
const SOUND = 1;
const aimed = (file: Uint8Array, at: number) => changed(file, "stco", 8, u32(at), SOUND);

it("serves no bytes of boxes that an index takes for packets", async () => {
  const file = await mp4({ ...TAGS, sound: true });
  const at = placeOf(file, SECRET);
  expect(at).toBeGreaterThan(0);
  expect(await served(file)).not.toContain(SECRET);
  expect(await served(aimed(file, at))).toBe("corrupt");
  // Across the beginning of the packets, and in front of the file.
  expect(await served(aimed(file, contentOf(file, "mdat") - 1))).toBe("corrupt");
  expect(await served(aimed(file, 0))).toBe("corrupt");
  // Behind the last box for packets: the index comes last here.
  const late = await mp4({ ...TAGS, sound: true, fastStart: false });
  expect(await served(aimed(late, placeOf(late, SECRET)))).toBe("corrupt");
});

it("serves no bytes of another track", async () => {
  const file = await mp4({ sound: true, frames: 5 });
  expect(await served(file)).not.toMatch(CODE);
  expect(await served(aimed(file, chunk(file, 0)))).toBe("corrupt");
  // The pictures are notes now, which are not served, and a third track has the pictures.
  const notes = await mp4({ sound: true, frames: 5, fastStart: false });
  const text = new TextDecoder("latin1").decode(notes);
  const [moov, trak, next] = [
    text.indexOf("moov"),
    text.indexOf("trak"),
    text.indexOf("trak", text.indexOf("trak") + 1),
  ];
  const copy = notes.slice(trak - 4, next - 4);
  copy.set([9], copy.indexOf(1, contentOf(copy, "tkhd") + 12)); // Another id.
  const more = new Uint8Array([
    ...notes.subarray(0, trak - 4),
    ...changed(copy, "vide", -4, [...Buffer.from("meta")]),
    ...notes.subarray(trak - 4),
  ]);
  more.set(u32(new DataView(more.buffer).getUint32(moov - 4) + copy.length), moov - 4);
  expect(await served(more)).toBe("corrupt");
});

it("serves no track that is turned off, unless all are", async () => {
  const file = await mp4({ sound: true, frames: 5 });
  const off = (nth: number, one: Uint8Array = file) => changed(one, "tkhd", 3, [0], nth);
  const described = (one: Uint8Array) => describeVideo(bytesInMemory(one), "video/mp4");
  const silent = off(SOUND);
  expect(await described(silent)).toMatchObject({ video: { audio: null }, removed: ["other_tracks"] });
  const sound = String.fromCharCode(...new Uint8Array(12).fill(3));
  expect(await served(file)).toContain(sound);
  expect(await served(silent)).not.toContain(sound);
  expect(await served(silent)).not.toMatch(CODE);
  expect(await described(off(0, silent))).toMatchObject({ video: { audio: { channels: 1 } }, removed: [] });
});

it("refuses tables that overlap by their sizes, and two of a kind", async () => {
  const file = await mp4({ sound: true, frames: 30 });
  expect(await served(file)).not.toMatch(CODE);
  // Longer packets: the last of a chunk contains the first of the next.
  expect(await served(changed(file, "stsz", 4, u32(7), SOUND))).toBe("corrupt");
  const last = await mp4({ fastStart: false });
  expect(await served(edited(last, [[57_600, 0]]))).not.toMatch(CODE);
  expect(await served(edited(edited(last, [[57_600, 0]]), [[20_000, 0]]))).toBe("corrupt");
});

it("serves no bytes of boxes that a fragment takes for packets", async () => {
  const file = await mp4({ ...TAGS, sound: true, fastStart: "fragmented" });
  expect(await served(file)).not.toContain(SECRET);
  const [at, moof] = [placeOf(file, SECRET), contentOf(file, "moof") - 8];
  expect(new DataView(file.buffer).getUint32(contentOf(file, "trun")) & 1).toBe(1);
  for (const place of [at, moof, contentOf(file, "mdat")])
    expect(await served(changed(file, "trun", 8, u32((place - moof) >>> 0), SOUND)), String(place)).toBe("corrupt");
});

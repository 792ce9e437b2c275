import { describe, expect, it } from "vitest";
import { bytes, chunk, ihdr, PNG_SIGNATURE } from "../../../tests/runtime/media/picture-bytes.ts";
import { latin1 } from "../bytes/fields.ts";
import { iccProfileOf } from "./icc-profile.ts";
import { crc32 } from "../bytes/crc32.ts";
import { withIccProfile } from "./png-colours.ts";

const cicp = (...numbers: number[]) => chunk("cICP", bytes(...numbers));
const P3 = cicp(12, 13, 0, 1);
const REST = [chunk("IDAT", bytes("pixels")), chunk("IEND")];
const pngOf = (...chunks: Uint8Array[]) => bytes(PNG_SIGNATURE, ihdr(2, 2), ...chunks, ...REST);

/** Sends a file through, in parts of `size` bytes. */
async function sent(file: Uint8Array<ArrayBuffer>, size = 7): Promise<Uint8Array> {
  const parts = Array.from({ length: Math.ceil(file.length / size) }, (_, at) =>
    file.slice(at * size, (at + 1) * size),
  );
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
  return new Uint8Array(await new Response(stream.pipeThrough(withIccProfile())).arrayBuffer());
}

function typesIn(file: Uint8Array): string[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const types: string[] = [];
  for (let at = 8; at < file.length; at += 12 + view.getUint32(at)) {
    const end = at + 8 + view.getUint32(at);
    expect(view.getUint32(end)).toBe(crc32(file.subarray(at + 4, end)));
    types.push(latin1(file.subarray(at + 4, at + 8)));
  }
  return types;
}

describe("the numbers of a colour space", () => {
  it("are replaced by a profile right after the header, in parts of any size", async () => {
    for (const size of [1, 7, 64, 10_000])
      expect(typesIn(await sent(pngOf(P3), size))).toEqual(["IHDR", "iCCP", "IDAT", "IEND"]);
  });

  it("count before what contradicts them, and leave the rest in place", async () => {
    const others = [chunk("gAMA", bytes(0, 0, 0, 1)), chunk("sRGB", bytes(0)), chunk("eXIf", bytes("MM"))];
    const file = pngOf(
      ...others,
      P3,
      chunk("iCCP", bytes("x\0\0")),
      chunk("PLTE", bytes(1, 2, 3)),
      chunk("tRNS", bytes(0)),
    );
    expect(typesIn(await sent(file))).toEqual(["IHDR", "iCCP", "eXIf", "PLTE", "tRNS", "IDAT", "IEND"]);
  });

  it.each([
    ["no numbers", pngOf(chunk("sRGB", bytes(0)))],
    ["reserved numbers", pngOf(cicp(3, 0, 0, 1))],
    ["a matrix", pngOf(cicp(12, 13, 1, 1))],
    ["a narrow range", pngOf(cicp(12, 13, 0, 0))],
    ["too few numbers", pngOf(cicp(12))],
    ["numbers after the pixels", bytes(pngOf(), P3)],
    ["no header", bytes(PNG_SIGNATURE, P3, ...REST)],
    ["nothing after the numbers", bytes(PNG_SIGNATURE, ihdr(2, 2), P3)],
    ["a chunk that is longer than the file", bytes(PNG_SIGNATURE, ihdr(2, 2), P3, 0x7f, 0xff, 0xff, 0xff, "iTXt")],
    ["half a signature", PNG_SIGNATURE.slice(0, 5)],
    ["another format", bytes(0xff, 0xd8, "cICP and anything else")],
    ["nothing", bytes()],
  ])("change nothing of a file with %s", async (_, file) => {
    for (const size of [1, 5, 10_000]) expect(await sent(file, size)).toEqual(file);
  });

  it("are not looked for behind megabytes of something else", async () => {
    const file = pngOf(chunk("iTXt", new Uint8Array(2 ** 21)), P3);
    expect(latin1(await sent(file, 65_536)) === latin1(file)).toBe(true);
  });
});

it("makes a profile for each known colour space, and only for those", () => {
  for (const primaries of [1, 9, 12])
    for (const transfer of [1, 4, 5, 6, 8, 13, 14, 15, 16, 18]) {
      const profile = iccProfileOf(primaries, transfer) ?? new Uint8Array();
      expect(new DataView(profile.buffer).getUint32(0)).toBe(profile.length);
      expect(latin1(profile.subarray(36, 40))).toBe("acsp");
      expect(profile.length % 4).toBe(0);
    }
  for (const [primaries, transfer] of [
    [0, 13],
    [2, 2],
    [12, 0],
    [12, 255],
    [255, 13],
  ] as const)
    expect(iccProfileOf(primaries, transfer)).toBeUndefined();
});

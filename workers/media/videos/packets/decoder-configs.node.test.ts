import { expect, it } from "vitest";
import { cleanConfig } from "./decoder-configs.ts";

const bytes = (...parts: (number[] | string)[]) =>
  new Uint8Array(
    parts.flatMap((part) => (typeof part === "string" ? Array.from(part, (one) => one.charCodeAt(0)) : part)),
  );
const secret = "+52.5200+013.4050/";

/** A parameter set of profile 100 with 4:2:0 and 8 bits. */
const SET = [0x67, 100, 0, 31, 0xae];
const AVC = [1, 100, 0, 31, 0xff, 0xe1, 0, SET.length, ...SET, 1, 0, 2, 0x68, 0xce];
const BEHIND = AVC.slice(8 + SET.length);

it("keeps the parameter sets of H.264, and nothing behind them", () => {
  const chroma = [0xfd, 0xf8, 0xf8, 0];
  expect(cleanConfig("avc", bytes(AVC, chroma, secret))).toEqual(bytes(AVC, chroma));
  expect(cleanConfig("avc", bytes(AVC))).toEqual(bytes(AVC));
  // Another unit in the place of a set, and one behind a start code within it.
  expect(() => cleanConfig("avc", bytes(AVC.slice(0, 8), [6], AVC.slice(9)))).toThrow();
  const hidden = [...SET, 0, 0, 1, 6, 5, 1, 51];
  expect(cleanConfig("avc", bytes(AVC.slice(0, 6), [0, hidden.length], hidden, BEHIND))).toEqual(bytes(AVC));
});

it("keeps the parameter sets of H.265, and no messages", () => {
  const header = [1, ...Array<number>(21).fill(3)];
  // A set of another layer, which is not read.
  const set = (type: number) => [type, 0, 1, 0, 3, (type << 1) | 1, 1, 9];
  const message = [39, 0, 1, 0, 6, 78, 1, 5, 1, 51, 0x80];
  expect(cleanConfig("hevc", bytes(header, [4], set(32), set(33), message, set(34), secret))).toEqual(
    bytes(header, [3], set(32), set(33), set(34)),
  );
});

it("keeps no comments and pictures of FLAC and Vorbis, and nothing behind the header of Opus", () => {
  const info = Array.from({ length: 34 }, (_, at) => at);
  expect(cleanConfig("flac", bytes("fLaC", [0, 0, 0, 34], info, [0x84, 0, 0, secret.length], secret))).toEqual(
    bytes("fLaC", [0x80, 0, 0, 34], info),
  );
  const [id, setup] = [Array.from({ length: 30 }, (_, at) => at), [5, ...bytes("vorbis"), 1, 2, 3]];
  const comment = [3, ...bytes("vorbis", secret.repeat(20))];
  const laced = [2, 30, 255, comment.length - 255];
  const clean = cleanConfig("vorbis", bytes(laced, id, comment, setup));
  expect(clean).toEqual(bytes([2, 30, 16], id, [3], "vorbis", [0, 0, 0, 0, 0, 0, 0, 0, 1], setup));
  const opus = bytes("OpusHead", [1, 2, 56, 1, 128, 187, 0, 0, 0, 0, 0]);
  expect(cleanConfig("opus", bytes([...opus], secret))).toEqual(opus);
});

it("has none for codecs that need none, and rejects what is cut off", () => {
  expect(cleanConfig("mp3", bytes(secret))).toBeUndefined();
  expect(cleanConfig("vp9", bytes(secret))).toBeUndefined();
  expect(cleanConfig("avc", undefined)).toBeUndefined();
  for (let length = 0; length < AVC.length; length += 1)
    expect(() => cleanConfig("avc", bytes(AVC.slice(0, length)))).toThrow(expect.objectContaining({ code: "corrupt" }));
});

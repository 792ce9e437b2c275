import { expect, it } from "vitest";
import { detectMediaType } from "./file-signatures.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const ftyp = (...brands: string[]) =>
  `\0\0\0${String.fromCharCode(12 + brands.length * 4)}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join("")}`;

it.each([
  ["image/jpeg", "\xff\xd8\xff\xe0"],
  ["image/png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
  ["image/gif", "GIF87a"],
  ["image/gif", "GIF89a"],
  ["image/webp", "RIFF\n\0\0\0WEBPVP8X"],
  ["image/avif", ftyp("avif", "mif1", "miaf")],
  ["image/avif", ftyp("mif1", "miaf", "avif")],
  ["image/avif", ftyp("avis", "avif", "msf1")],
  ["image/heic", ftyp("heic", "mif1", "heic")],
  ["image/heic", ftyp("heix")],
  ["image/heic", ftyp("mif1", "heic")],
  ["image/heic", ftyp("msf1", "hevc")],
  ["video/mp4", ftyp("mp42", "isom")],
  ["video/mp4", ftyp("iso5", "dash")],
  ["video/mp4", ftyp("M4V ", "mp42")],
  ["video/mp4", ftyp("3gp4")],
  ["video/mp4", ftyp("pana", "isom", "mp41", "avc1")],
  ["video/mp4", ftyp("niko", "NIKO", "mp42")],
  ["video/mp4", ftyp("ZZ9 ", "qt  ", "isom")],
  ["video/quicktime", ftyp("CAEP", "qt  ")],
  ["image/heic", ftyp("MiPr", "mif1", "heic")],
  ["image/avif", ftyp("ZZ9 ", "mif1", "avif", "isom")],
  ["video/quicktime", ftyp("qt  ")],
  ["video/quicktime", "\0\0\0\x08wide\0\0\x10\0mdat"],
  ["video/quicktime", "\0\0\0\0mdat"],
  ["video/quicktime", "\0\0\0\x01mdat\0\0\0\x01\0\0\0\0"],
  ["video/quicktime", "\0\0\x10\0moov\0\0\0lmvhd"],
  ["video/webm", "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87\x81\x02"],
  ["video/matroska", "\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska"],
  ["video/webm", "\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x01\0\0\0\0\0\0\x04webm"],
])("detects %s", (type, start) => {
  expect(detectMediaType(bytes(start))).toBe(type);
});

it.each([
  "",
  "\xff\xd8",
  "RIFF\n\0\0\0WAVEfmt ",
  "RIFF\n\0\0\0WEBPjson",
  ftyp("mif1", "miaf"),
  `${ftyp("mif1", "miaf")}avif`, // After the end of the box.
  ftyp("M4A ", "mp42"),
  ftyp("M4P ", "isom"),
  ftyp("crx ", "isom"),
  ftyp("mjp2", "isom"),
  ftyp("pana"),
  ftyp("pana", "ZZ9 "),
  ftyp("ZZ9 ", "mif1", "isom"),
  ftyp("M4B ", "isom"),
  ftyp("f4v ", "isom"),
  ftyp("jp2 "),
  "\0\0\0\x07moov",
  "\0\0\0\0moov",
  "\0\0\0\x0cwide",
  "\x1a\x45\xdf\xa3\x93\x42\x82\x89matroskax",
  "\x1a\x45\xdf\xa3\x93\x42\x82\x85webmx",
  "\x42\x82\x84webm",
  "\0\0\0\0ftypmif1\0\0\0\0avif", // A box of size 0.
  "<svg xmlns='http://www.w3.org/2000/svg'>",
  "<!doctype html>",
  "%PDF-1.7",
  "GIF90a",
])("rejects %j", (start) => {
  expect(detectMediaType(bytes(start))).toBeUndefined();
});

import { expect, it } from "vitest";
import { sniff } from "./sniff.ts";

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
  ["image/avif", ftyp("avis", "avif")],
  ["image/heic", ftyp("heic", "mif1", "heic")],
  ["image/heic", ftyp("mif1", "heic")],
])("knows %s", (type, start) => {
  expect(sniff(bytes(start))).toBe(type);
});

it.each([
  "",
  "\xff\xd8",
  "RIFF\n\0\0\0WAVEfmt ",
  "RIFF\n\0\0\0WEBPjson",
  `${ftyp("mif1", "miaf")}avif`, // Behind the box.
  ftyp("mp42", "isom"),
  "\0\0\0\0ftypmif1\0\0\0\0avif", // A box of no size.
  "<svg xmlns='http://www.w3.org/2000/svg'>",
  "<!doctype html>",
  "%PDF-1.7",
  "GIF90a",
])("refuses %j", (start) => {
  expect(() => sniff(bytes(start))).toThrow("unsupported_type");
});

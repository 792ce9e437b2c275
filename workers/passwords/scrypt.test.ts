import { randomBytes, scryptSync } from "node:crypto";
import { expect, it } from "vitest";
import { scryptInSlices } from "./scrypt.ts";

it.each([
  [2, 1, 1],
  [16, 1, 1],
  [2, 8, 3],
  [1024, 8, 1],
  [4096, 3, 2],
  [16_384, 8, 5],
])("derives what node:crypto derives, for N=%i, r=%i, p=%i", async (N, r, p) => {
  for (const password of ["", "correct horse battery", "pässwörd\u{1f426}"]) {
    const salt = randomBytes(16);
    const derived = await scryptInSlices(password, salt, 64, { N, r, p });
    expect(derived).toEqual(scryptSync(password, salt, 64, { N, r, p }));
  }
});

it("derives the third test vector of RFC 7914", async () => {
  const derived = await scryptInSlices("pleaseletmein", Buffer.from("SodiumChloride"), 64, { N: 16_384, r: 8, p: 1 });
  expect(derived.toString("hex")).toBe(
    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2" +
      "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
  );
});

it("lets others run between its slices", async () => {
  let turns = 0;
  const state = { isOver: false };
  const others = (async () => {
    while (!state.isOver) {
      await new Promise((resolve) => {
        setTimeout(resolve, 0);
      });
      turns += 1;
    }
  })();
  await scryptInSlices("correct horse battery", randomBytes(16), 32, { N: 16_384, r: 8, p: 5 });
  state.isOver = true;
  await others;
  expect(turns).toBeGreaterThan(50);
});

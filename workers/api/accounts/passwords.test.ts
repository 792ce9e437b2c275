import { expect, it } from "vitest";
import { hashPassword, verifyPassword } from "./passwords.ts";

it("knows a password again, and no other", async () => {
  const stored = await hashPassword("correct horse battery staple");
  expect(await verifyPassword("correct horse battery staple", stored)).toBe(true);
  expect(await verifyPassword("correct horse battery stapl", stored)).toBe(false);
});

it("salts, and stores what the hash cost", async () => {
  const [first, second] = await Promise.all([hashPassword("the same one"), hashPassword("the same one")]);
  expect(first).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[\w-]{22}\$[\w-]{43}$/);
  expect(first).not.toBe(second);
});

it("cuts nothing off", async () => {
  const stored = await hashPassword(`${"x".repeat(255)}a`);
  expect(await verifyPassword(`${"x".repeat(255)}b`, stored)).toBe(false);
  expect(await verifyPassword("nul\0byte and more", await hashPassword("nul\0byte and less"))).toBe(false);
});

it("takes the same characters written differently for the same", async () => {
  const stored = await hashPassword("Ångström \uFB01"); // A single character for "fi".
  expect(await verifyPassword("A\u030Angstro\u0308m fi", stored)).toBe(true);
});

it("verifies what was hashed at another cost", async () => {
  const cheap = "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$L6s7g1TgPZYzCSXxDWATNZG9O-4awHkMlZhLx49VBAw";
  expect(await verifyPassword("password", cheap)).toBe(true);
});

it("refuses everything for nobody, even the password of zeros", async () => {
  expect(await verifyPassword("", undefined)).toBe(false);
});

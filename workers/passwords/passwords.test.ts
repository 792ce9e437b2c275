import { expect, it } from "vitest";
import { hashPassword as hash, verifyPassword as verify } from "./passwords.ts";

/** The cost of wrangler.toml, and one that saves time. */
const CONFIGURED = { PASSWORD_COST: "ln=14,r=8,p=5" };
const CHEAP = { PASSWORD_COST: "ln=4,r=8,p=1" };
const hashPassword = (password: string) => hash(CHEAP, password);
const verifyPassword = (password: string, known: string | undefined) => verify(CHEAP, password, known);

it("verifies the right password and rejects a wrong one", async () => {
  const stored = await hashPassword("correct horse battery staple");
  expect(await verifyPassword("correct horse battery staple", stored)).toBe(true);
  expect(await verifyPassword("correct horse battery stapl", stored)).toBe(false);
});

it("salts each hash and stores its cost", async () => {
  const [first, second] = [await hash(CONFIGURED, "the same one"), await hash(CONFIGURED, "the same one")];
  expect(first).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[\w-]{22}\$[\w-]{43}$/);
  expect(first).not.toBe(second);
});

it("truncates nothing", async () => {
  const stored = await hashPassword(`${"x".repeat(255)}a`);
  expect(await verifyPassword(`${"x".repeat(255)}b`, stored)).toBe(false);
  expect(await verifyPassword("nul\0byte and more", await hashPassword("nul\0byte and less"))).toBe(false);
});

it("treats different encodings of the same characters as equal", async () => {
  const stored = await hashPassword("Ångström \uFB01"); // A single character for "fi".
  expect(await verifyPassword("A\u030Angstro\u0308m fi", stored)).toBe(true);
});

it("verifies a hash of another cost", async () => {
  const cheap = "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$L6s7g1TgPZYzCSXxDWATNZG9O-4awHkMlZhLx49VBAw";
  expect(await verifyPassword("password", cheap)).toBe(true);
});

it("rejects every password when none is stored", async () => {
  expect(await verifyPassword("", undefined)).toBe(false);
});

it("hashes at the configured cost, and at no other", async () => {
  expect(await hash({ PASSWORD_COST: "ln=4,r=1,p=1" }, "password")).toMatch(/^\$scrypt\$ln=4,r=1,p=1\$/);
  await expect(hash({ PASSWORD_COST: "" }, "password")).rejects.toThrow("PASSWORD_COST");
  await expect(hash({ PASSWORD_COST: "ln=4,r=1,p=1$x" }, "password")).rejects.toThrow("PASSWORD_COST");
});

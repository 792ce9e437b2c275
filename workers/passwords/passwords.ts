/** Hashes passwords with scrypt, in slices (scrypt.ts). Callers take turns (hashing-turns.ts). */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { scryptInSlices } from "./scrypt.ts";

type Cost = { ln: number; r: number; p: number };

// A row of OWASP's table that stays within the limit of Workers (N*r*p up to 2^20). It takes 16 MiB and about half a second.
const COST: Cost = { ln: 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Returns the stored form, "$scrypt$ln=14,r=8,p=5$<salt>$<hash>". It includes its cost, so that COST can be raised. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, COST);
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${salt.toString("base64url")}$${hash.toString("base64url")}`;
}

/**
 * Verifies a password. Takes as long when none is stored, because a quick response would reveal which handles exist.
 */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const { cost, salt, hash } = parse(stored ?? DUMMY_HASH);
  const same = timingSafeEqual(await derive(password, salt, cost), hash);
  return same && stored !== undefined;
}

const FORM = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w-]+)\$([\w-]+)$/;
const zeros = (bytes: number) => Buffer.alloc(bytes).toString("base64url");
const DUMMY_HASH = `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${zeros(SALT_BYTES)}$${zeros(HASH_BYTES)}`;

function parse(stored: string): { cost: Cost; salt: Buffer; hash: Buffer } {
  const [, ln, r, p, salt, hash] = FORM.exec(stored) ?? [];
  if (!salt || !hash) throw new Error("a stored password is not in the form of hashPassword");
  return {
    cost: { ln: Number(ln), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, "base64url"),
    hash: Buffer.from(hash, "base64url"),
  };
}

/** Derives the hash from the NFKC form, because keyboards differ in how they encode the same character. */
const derive = (password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> =>
  scryptInSlices(password.normalize("NFKC"), salt, HASH_BYTES, { N: 2 ** ln, r, p });

/** Hashes passwords with scrypt, in slices (scrypt.ts). Callers take turns (hashing-turns.ts). */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { scryptInSlices } from "./scrypt.ts";

type Cost = { ln: number; r: number; p: number };
/** What sets the cost of new hashes, as "ln=14,r=8,p=5". */
type Configured = Pick<Env, "PASSWORD_COST">;

const SALT_BYTES = 16;
const HASH_BYTES = 32;

/**
 * Returns the stored form, "$scrypt$ln=14,r=8,p=5$<salt>$<hash>". It includes its cost, so that the configured one can be
 * changed. Throws if the configured cost has another form.
 */
export async function hashPassword({ PASSWORD_COST }: Configured, password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const { cost } = parse(stored(PASSWORD_COST, salt, Buffer.alloc(HASH_BYTES)));
  return stored(PASSWORD_COST, salt, await derive(password, salt, cost));
}

/**
 * Verifies a password. Takes as long when none is known, because a quick response would reveal which handles exist.
 */
export async function verifyPassword(
  { PASSWORD_COST }: Configured,
  password: string,
  known: string | undefined,
): Promise<boolean> {
  const { cost, salt, hash } = parse(
    known ?? stored(PASSWORD_COST, Buffer.alloc(SALT_BYTES), Buffer.alloc(HASH_BYTES)),
  );
  const same = timingSafeEqual(await derive(password, salt, cost), hash);
  return same && known !== undefined;
}

const FORM = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w-]+)\$([\w-]+)$/;

const stored = (cost: string, salt: Buffer, hash: Buffer): string =>
  `$scrypt$${cost}$${salt.toString("base64url")}$${hash.toString("base64url")}`;

function parse(known: string): { cost: Cost; salt: Buffer; hash: Buffer } {
  const [, ln, r, p, salt, hash] = FORM.exec(known) ?? [];
  if (!salt || !hash) throw new Error("PASSWORD_COST or a stored password does not have the form of hashPassword");
  return {
    cost: { ln: Number(ln), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, "base64url"),
    hash: Buffer.from(hash, "base64url"),
  };
}

/** Derives the hash from the NFKC form, because keyboards differ in how they encode the same character. */
const derive = (password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> =>
  scryptInSlices(password.normalize("NFKC"), salt, HASH_BYTES, { N: 2 ** ln, r, p });

/** Keys of this deployment that no operator has to set up: drawn when they are first needed, and kept in the database DB. */
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";

/** Enough for HMAC-SHA-256, which makes nothing better of more. */
const SECRET_BYTES = 32;

export type SecretName = "media-urls";

const known = new WeakMap<D1Database, Map<SecretName, Uint8Array<ArrayBuffer>>>();

/**
 * The same bytes in every isolate, and for ever: of two that are drawn at once, the one that is written first counts. Two
 * D1 queries once an isolate. Rejects while D1 cannot be asked.
 */
export async function secretOf({ DB }: Pick<Env, "DB">, name: SecretName): Promise<Uint8Array<ArrayBuffer>> {
  const before = known.get(DB)?.get(name);
  if (before) return before;
  const drawn = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64();
  const asked = DB.batch<{ value: string }>([
    DB.prepare("INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING").bind(name, drawn),
    DB.prepare("SELECT value FROM secrets WHERE name = ?").bind(name),
  ]);
  const [, read] = await within(STORE_ANSWERS_WITHIN, asked, "D1");
  const value = read?.results[0]?.value;
  if (value === undefined) throw new Error(`the secret ${name} is not there after it was written`);
  const secret = Uint8Array.fromBase64(value);
  known.set(DB, (known.get(DB) ?? new Map<SecretName, typeof secret>()).set(name, secret));
  return secret;
}

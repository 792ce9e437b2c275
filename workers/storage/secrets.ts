/** Secret keys that no operator has to set up: they are generated on first use and stored in the database DB. */
import { STORE_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";

/** HMAC-SHA-256 gains nothing from a longer key. */
const SECRET_BYTES = 32;

export type SecretName = "media-urls";

const known = new WeakMap<D1Database, Map<SecretName, Uint8Array<ArrayBuffer>>>();

/**
 * Returns the bytes of a secret, which are the same in every isolate and never change: if two are generated at once,
 * the first one written counts. Costs two D1 queries in each isolate. Throws while D1 is down.
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
  if (value === undefined) throw new Error(`the secret ${name} was written but cannot be read`);
  const secret = Uint8Array.fromBase64(value);
  known.set(DB, (known.get(DB) ?? new Map<SecretName, typeof secret>()).set(name, secret));
  return secret;
}

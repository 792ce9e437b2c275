/** Secret keys that no operator has to set up: they are generated on first use and stored in the database DB. */
import { sql } from "drizzle-orm";
import { Database, statement } from "../../schema/d1/database.ts";
import { list, textOf } from "../../schema/d1/sql.ts";
import { secrets } from "../../schema/tables/operations.ts";

/** HMAC-SHA-256 gains nothing from a longer key. */
const SECRET_BYTES = 32;

export type SecretName = "devices" | "media-urls" | "tokens";

const known = new WeakMap<Env["DB"], Map<SecretName, Uint8Array<ArrayBuffer>>>();

/**
 * Returns the bytes of a secret, which are the same in every isolate and never change: if two are generated at once,
 * the first one written counts. Costs one D1 query in each isolate, of the nearest replica, and one more for a secret that
 * is not there. Throws while D1 is down.
 */
export async function secretOf({ DB }: Pick<Env, "DB">, name: SecretName): Promise<Uint8Array<ArrayBuffer>> {
  const before = known.get(DB)?.get(name);
  if (before) return before;
  const value = (await readNearby(DB, name)) ?? (await create(DB, name));
  const secret = Uint8Array.fromBase64(value);
  known.set(DB, (known.get(DB) ?? new Map<SecretName, typeof secret>()).set(name, secret));
  return secret;
}

type Row = Pick<typeof secrets.$inferSelect, "value">;

async function readNearby(DB: Env["DB"], name: SecretName): Promise<string | undefined> {
  const { results } = await Database.of(DB).inSession<Row>([statement(READ, name)], "first-unconstrained");
  return results[0]?.rows[0]?.value;
}

async function create(DB: Env["DB"], name: SecretName): Promise<string> {
  const drawn = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64();
  const [, read] = await Database.of(DB).batch<Row>([statement(INSERT, name, drawn), statement(READ, name)]);
  const value = read?.rows[0]?.value;
  if (value === undefined) throw new Error(`the secret ${name} was written but cannot be read`);
  return value;
}

const INSERT = textOf(sql`
  INSERT INTO ${secrets} (${list(secrets.name, secrets.value)}) VALUES (?1, ?2) ON CONFLICT DO NOTHING`);
const READ = textOf(sql`SELECT ${secrets.value} FROM ${secrets} WHERE ${secrets.name} = ?1`);

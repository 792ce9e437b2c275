/** People's push subscriptions, one for each browser. */
import type { PushSubscription } from "../../schema/api/push.ts";
import type { PersonId } from "../../schema/ids.ts";
import { bindingOf, databaseOf, firstShards } from "../../schema/d1/shards.ts";
import type { Viewer } from "../storage/viewer.ts";
import type { Reader } from "../storage/reader.ts";

/** The most subscriptions that one person keeps. Those renewed longest ago are deleted. */
export const SUBSCRIPTIONS_MAX = 20;

/**
 * Whether the key is a point on P-256: any other would fail with every push. `p256dh` is base64url of the right length.
 */
export async function areUsable({ p256dh }: PushSubscription["keys"]): Promise<boolean> {
  try {
    const bytes = Uint8Array.fromBase64(p256dh, { alphabet: "base64url" });
    await crypto.subtle.importKey("raw", bytes, { name: "ECDH", namedCurve: "P-256" }, false, []);
    return true;
  } catch {
    return false;
  }
}

/**
 * Subscribes the viewer's browser, and unsubscribes everyone who used it before. Returns false when another person has
 * the endpoint with different keys: the keys prove that it is the same browser, and without that proof anyone who knows
 * an endpoint could take it over. Costs one D1 query a database, one batch, and one for each previous owner; writes 2
 * rows.
 */
export async function subscribe(
  reader: Reader,
  { person, session }: Viewer,
  { endpoint, keys: { p256dh, auth } }: PushSubscription,
): Promise<boolean> {
  const { env } = reader;
  const owners = (await ownersOf(reader, endpoint)).filter((owner) => owner.person !== person);
  if (owners.some((owner) => owner.p256dh !== p256dh || owner.auth !== auth)) return false;
  for (const owner of owners) {
    const statement = databaseOf(env, owner.person).prepare(UNSUBSCRIBE).bind(owner.person, endpoint);
    await reader.write(owner.person, [statement]);
  }
  const database = databaseOf(env, person);
  const now = Date.now();
  await reader.write(person, [
    database.prepare(SUBSCRIBE).bind(person, endpoint, p256dh, auth, session, now),
    database.prepare(TRIM).bind(person, now, SUBSCRIPTIONS_MAX),
  ]);
  return true;
}

/** Deletes the viewer's subscription. Returns false if there is none. Costs one D1 batch. */
export async function unsubscribe(reader: Reader, { person }: Viewer, endpoint: string): Promise<boolean> {
  const statement = databaseOf(reader.env, person).prepare(`${UNSUBSCRIBE} RETURNING endpoint`).bind(person, endpoint);
  const [result] = await reader.write(person, [statement]);
  return (result?.results.length ?? 0) > 0;
}

/** A statement for the batch that ends a session: deletes its subscriptions. */
export const endSubscriptions = (env: Env, { person, session }: Viewer): D1PreparedStatement =>
  databaseOf(env, person)
    .prepare("DELETE FROM push_subscriptions WHERE person = ? AND session = ?")
    .bind(person, session);

type Owner = { person: PersonId; p256dh: string; auth: string };

/**
 * Finds all owners of an endpoint. Reads the primaries: a stale replica could miss the last owner, who would go on
 * getting pushes.
 */
async function ownersOf(reader: Reader, endpoint: string): Promise<Owner[]> {
  const { env } = reader;
  const owners = firstShards(env).map(async (shard) => {
    const rows = await reader.primary<Owner>(shard, OWNERS, endpoint);
    // Ignores copies of rows that are being moved to another database.
    return rows.filter(({ person }) => bindingOf(env, person) === bindingOf(env, shard));
  });
  return (await Promise.all(owners)).flat();
}

const OWNERS = "SELECT person, p256dh, auth FROM push_subscriptions WHERE endpoint = ?1";

const SUBSCRIBE = `
  INSERT INTO push_subscriptions (person, endpoint, p256dh, auth, session, renewed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
  ON CONFLICT DO UPDATE SET p256dh = excluded.p256dh, auth = excluded.auth, session = excluded.session,
    renewed_at = excluded.renewed_at, failing_since = NULL`;

const UNSUBSCRIBE = "DELETE FROM push_subscriptions WHERE person = ? AND endpoint = ?";

const TRIM = `
  DELETE FROM push_subscriptions WHERE person = ?1 AND (
    NOT EXISTS (SELECT 1 FROM sessions WHERE id = session AND expires_at > ?2)
    OR endpoint IN (
      SELECT endpoint FROM (
        SELECT endpoint, row_number() OVER (ORDER BY renewed_at DESC, endpoint) AS place
        FROM push_subscriptions WHERE person = ?1)
      WHERE place > ?3))`;

/** People's push subscriptions, one for each browser. */
import { sql } from "drizzle-orm";
import { fromBase64url } from "../../schema/base64url.ts";
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { PushSubscription } from "../../schema/api/push.ts";
import { bindingOf, oneShardPerDatabase } from "../../schema/d1/shards.ts";
import { bare, list, takeExcluded, textOf } from "../../schema/d1/sql.ts";
import { sessions } from "../../schema/tables/people.ts";
import { pushSubscriptions } from "../../schema/tables/push.ts";
import type { Viewer } from "../storage/viewer.ts";
import type { Reader } from "../storage/reader.ts";

/** The most subscriptions that one person keeps. Those renewed longest ago are deleted. */
export const SUBSCRIPTIONS_MAX = 20;

/**
 * Whether the key is a point on P-256: any other would fail with every push. `p256dh` is base64url of the right length.
 */
export async function isUsableKey({ p256dh }: PushSubscription["keys"]): Promise<boolean> {
  try {
    const bytes = fromBase64url(p256dh);
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
  const owners = (await ownersOf(reader, endpoint)).filter((owner) => owner.person !== person);
  if (owners.some((owner) => owner.p256dh !== p256dh || owner.auth !== auth)) return false;
  for (const owner of owners) {
    await reader.write(owner.person, [statement(UNSUBSCRIBE, owner.person, endpoint)]);
  }
  const now = Date.now();
  await reader.write(person, [
    statement(SUBSCRIBE, person, endpoint, p256dh, auth, session, now),
    statement(TRIM, person, now, SUBSCRIPTIONS_MAX),
  ]);
  return true;
}

/** Deletes the viewer's subscription. Returns false if there is none. Costs one D1 batch. */
export async function unsubscribe(reader: Reader, { person }: Viewer, endpoint: string): Promise<boolean> {
  const [result] = await reader.write(person, [statement(UNSUBSCRIBE, person, endpoint)]);
  return (result?.changes ?? 0) > 0;
}

/** A statement for the batch that ends a session: deletes its subscriptions. */
export const endSubscriptions = ({ person, session }: Viewer): Statement =>
  statement(END_SUBSCRIPTIONS, person, session);

type Owner = Pick<typeof pushSubscriptions.$inferSelect, "person" | "p256dh" | "auth">;

/**
 * Finds all owners of an endpoint. Reads the primaries: a stale replica could miss the last owner, who would go on
 * getting pushes.
 */
async function ownersOf(reader: Reader, endpoint: string): Promise<Owner[]> {
  const { env } = reader;
  const owners = oneShardPerDatabase(env).map(async (shard) => {
    const rows = await reader.primary<Owner>(shard, OWNERS, endpoint);
    // Ignores copies of rows that are being moved to another database.
    return rows.filter(({ person }) => bindingOf(env, person) === bindingOf(env, shard));
  });
  return (await Promise.all(owners)).flat();
}

const OWNERS = textOf(sql`
  SELECT ${pushSubscriptions.person}, ${pushSubscriptions.p256dh}, ${pushSubscriptions.auth}
  FROM ${pushSubscriptions} WHERE ${pushSubscriptions.endpoint} = ?1`);

const SUBSCRIBE = textOf(sql`
  INSERT INTO ${pushSubscriptions} (${list(
    pushSubscriptions.person,
    pushSubscriptions.endpoint,
    pushSubscriptions.p256dh,
    pushSubscriptions.auth,
    pushSubscriptions.session,
    pushSubscriptions.renewedAt,
  )})
  VALUES (?1, ?2, ?3, ?4, ?5, ?6)
  ON CONFLICT DO UPDATE SET ${takeExcluded(
    pushSubscriptions.p256dh,
    pushSubscriptions.auth,
    pushSubscriptions.session,
    pushSubscriptions.renewedAt,
  )}, ${bare(pushSubscriptions.failingSince)} = NULL`);

const UNSUBSCRIBE = textOf(sql`
  DELETE FROM ${pushSubscriptions} WHERE ${pushSubscriptions.person} = ?1 AND ${pushSubscriptions.endpoint} = ?2`);

const END_SUBSCRIPTIONS = textOf(sql`
  DELETE FROM ${pushSubscriptions} WHERE ${pushSubscriptions.person} = ?1 AND ${pushSubscriptions.session} = ?2`);

const TRIM = textOf(sql`
  DELETE FROM ${pushSubscriptions} WHERE ${pushSubscriptions.person} = ?1 AND (
    NOT EXISTS (
      SELECT 1 FROM ${sessions} WHERE ${sessions.id} = ${pushSubscriptions.session} AND ${sessions.expiresAt} > ?2)
    OR ${pushSubscriptions.endpoint} IN (
      SELECT ${bare(pushSubscriptions.endpoint)} FROM (
        SELECT ${pushSubscriptions.endpoint},
          row_number() OVER (
            ORDER BY ${pushSubscriptions.renewedAt} DESC, ${pushSubscriptions.endpoint}) AS place
        FROM ${pushSubscriptions} WHERE ${pushSubscriptions.person} = ?1)
      WHERE place > ?3))`);

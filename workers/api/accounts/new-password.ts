/**
 * What must follow in the transaction that sets a new password. The statements come after the one that sets it, and change
 * something only if it did: a stored password has a random salt, so `?2` is there only if this transaction has written it.
 */
import { sql } from "drizzle-orm";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import { credentials, passkeys, sessions } from "../../../schema/tables/people.ts";
import { pushSubscriptions } from "../../../schema/tables/push.ts";

/** Whether the person ?1 has the stored password ?2. */
export const IS_SET = sql`EXISTS (
  SELECT 1 FROM ${credentials} WHERE ${credentials.person} = ?1 AND ${credentials.password} = ?2)`;

/** Ends all sessions of the person ?1 but ?3, and returns their ids. */
export const END_OTHERS_IF_SET = textOf(sql`
  DELETE FROM ${sessions} WHERE ${sessions.person} = ?1 AND ${sessions.id} <> ?3 AND ${IS_SET}
  RETURNING ${bare(sessions.id)}`);

/** Ends the pushes to the devices of these sessions. */
export const END_SUBSCRIPTIONS_IF_SET = textOf(sql`
  DELETE FROM ${pushSubscriptions}
  WHERE ${pushSubscriptions.person} = ?1 AND ${pushSubscriptions.session} <> ?3 AND ${IS_SET}`);

/** Removes the passkeys of the person ?1. */
export const REMOVE_PASSKEYS_IF_SET = textOf(sql`
  DELETE FROM ${passkeys} WHERE ${passkeys.person} = ?1 AND ${IS_SET}`);

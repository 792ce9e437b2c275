import { sendPushes } from "../push/send-pushes.ts";
import { tellRelays } from "./tell-relays.ts";
import type { Unread } from "./tell.ts";

/**
 * After entries were written: their recipients' screens and devices hear of it. Throws when the queue of pushes did not take
 * them, so that they are announced again; what is told twice is seen once, so whoever writes entries announces all of them
 * that stand unread, also those that an earlier run has written. Two D1 queries a database; one, where no pushes are set up.
 */
export async function announce(env: Env, unread: readonly Unread[]): Promise<void> {
  if (unread.length === 0) return;
  const recipients = [...new Set(unread.map(({ recipient }) => recipient))];
  await Promise.all([tellRelays(env, recipients), sendPushes(env, unread)]);
}

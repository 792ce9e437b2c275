import { sendPushes } from "./send-pushes.ts";
import { tellRelays } from "../notifications/socket-hints.ts";
import type { Unread } from "../notifications/write-notifications.ts";

/**
 * After entries were written: their recipients' screens and devices hear of it. Never fails, since the entries stand: false
 * when devices may not have heard. What is told twice is seen once, so whoever writes entries announces all of them that
 * stand unread, also those that an earlier run has written. Two D1 queries a database; one, where no pushes are set up.
 */
export async function announce(env: Env, unread: readonly Unread[]): Promise<boolean> {
  if (unread.length === 0) return true;
  const recipients = [...new Set(unread.map(({ recipient }) => recipient))];
  const pushed = sendPushes(env, unread).then(
    () => true,
    (error: unknown) => {
      console.warn("entries not pushed", { entries: unread.length, error: String(error) });
      return false;
    },
  );
  await tellRelays(env, recipients);
  return pushed;
}

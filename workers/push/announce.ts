import { sendPushes } from "./send-pushes.ts";
import { sendHints } from "../notifications/socket-hints.ts";
import type { UnreadNotification } from "../notifications/write-notifications.ts";
import { logWarning } from "../../schema/log.ts";

/**
 * Signals recipients' sockets and devices that notifications were written. Never throws, because the notifications are
 * stored; returns false if pushes may be missing. Duplicate signals are harmless, so callers announce all notifications
 * that are unread, including those that an earlier run wrote. Costs two D1 queries a database, or one if pushes are not
 * set up.
 */
export async function announce(env: Env, unread: readonly UnreadNotification[]): Promise<boolean> {
  if (unread.length === 0) return true;
  const recipients = [...new Set(unread.map(({ recipient }) => recipient))];
  const pushed = sendPushes(env, unread).then(
    () => true,
    (error: unknown) => {
      logWarning("notifications not pushed", { notifications: unread.length, error: String(error) });
      return false;
    },
  );
  await sendHints(env, recipients);
  return pushed;
}

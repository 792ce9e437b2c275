/** SQL conditions for whether and when a notification is pushed. */

/** The shortest time between two pushes of a notification that stays unread while people write more, in ms. */
export const AGAIN_AFTER = 5 * 60 * 1000;

/**
 * SQL over `notifications`: the time from which a notification is due, in ms since 1970, or NULL when no push is due. A
 * notification is due when it becomes unread. While it stays unread, only new texts make it due again: one more like or
 * follow is no reason to take the phone out.
 */
export const DUE_FROM = `CASE
  WHEN count = 0 OR raised <= seen OR raised <= pushed THEN NULL
  WHEN pushed <= seen THEN 0
  WHEN notifications.kind IN ('comment', 'reply', 'mention') THEN pushed_at + ${AGAIN_AFTER} END`;

/** SQL over `notifications`: whether the recipient wants pushes of that kind. Without a preference they do. */
export const WANTS_PUSH = `NOT EXISTS (
  SELECT 1 FROM notification_preferences
  WHERE person = recipient AND notification_preferences.kind = notifications.kind AND push = 0)`;

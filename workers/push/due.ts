/** Which entries of the inbox are to be pushed, and when. */

/** While an entry stays unread, what people write is pushed again, but not more often than this, in ms. */
export const AGAIN_AFTER = 5 * 60 * 1000;

/**
 * SQL over `notifications`: from when on an entry is to be pushed, in ms since 1970; NULL when it is not. Once when it becomes
 * unread; while it stays so, a like or a follow more is no reason to take the telephone out again.
 */
export const DUE_FROM = `CASE
  WHEN count = 0 OR raised <= seen OR raised <= pushed THEN NULL
  WHEN pushed <= seen THEN 0
  WHEN notifications.kind IN ('comment', 'reply', 'mention') THEN pushed_at + ${AGAIN_AFTER} END`;

/** SQL over `notifications`: whether its recipient wants to be told of that kind on their devices. Without a row they do. */
export const IS_WANTED_ON_DEVICES = `NOT EXISTS (
  SELECT 1 FROM notification_preferences
  WHERE person = recipient AND notification_preferences.kind = notifications.kind AND push = 0)`;

import { z } from "@hono/zod-openapi";

/** The kinds of notifications. */
export const NotificationKind = z.enum([
  "like",
  "comment",
  "reply",
  "mention",
  "comment_like",
  "follow",
  "follow_request",
  "request_accepted",
  "new_post",
]);
export type NotificationKind = z.infer<typeof NotificationKind>;

/** Whose actions notify a person, for a kind: those of everyone, of people they follow, or of nobody. */
export const Who = z.enum(["everyone", "following", "nobody"]);
export type Who = z.infer<typeof Who>;

/** Counting stops here. With more unread notifications, the exact number does not matter. */
export const UNREAD_MAX = 100;
export const UnreadCount = z
  .number()
  .int()
  .openapi({ description: `Number of unread notifications; ${UNREAD_MAX} means that many or more` });

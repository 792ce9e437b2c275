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
  "new_device",
  "moderation",
]);
export type NotificationKind = z.infer<typeof NotificationKind>;

/** The kinds that people can turn off. A sign-in on a new device and a decision of moderators are always reported. */
export const OptionalKind = NotificationKind.exclude(["new_device", "moderation"]);
export type OptionalKind = z.infer<typeof OptionalKind>;

/** Whose actions notify a person, for a kind: those of everyone, of people they follow, or of nobody. */
export const NotificationSource = z.enum(["everyone", "following", "nobody"]);
export type NotificationSource = z.infer<typeof NotificationSource>;

/** Counting stops here. With more unread notifications, the exact number does not matter. */
export const UNREAD_MAX = 100;
export const UnreadCount = z
  .number()
  .int()
  .openapi({ description: `Number of unread notifications; ${UNREAD_MAX} means that many or more` });

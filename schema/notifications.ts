import { z } from "@hono/zod-openapi";

/** What a person may be told of. */
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

/** By whom they want to be told of it. */
export const Who = z.enum(["everyone", "following", "nobody"]);
export type Who = z.infer<typeof Who>;

/** Whoever has more unread has seen none of them for long. */
export const UNREAD_MAX = 100;
export const UnreadCount = z
  .number()
  .int()
  .openapi({ description: `Unread notifications; ${UNREAD_MAX} stands for as many or more` });

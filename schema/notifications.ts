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

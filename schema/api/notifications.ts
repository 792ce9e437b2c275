import { z } from "@hono/zod-openapi";
import { PostId } from "../ids.ts";
import { page, Timestamp } from "./common.ts";
import { PersonCard } from "./people.ts";

const told = {
  actors: z.array(PersonCard).openapi({ description: "The newest people, at most 3, newest first" }),
  count: z.number().int().openapi({ description: "How many likes or comments there are; 1 for a follow" }),
  at: Timestamp,
  unread: z.boolean(),
};
const post = z.object({ id: PostId, thumbnail: z.string() });

export const Notification = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("like"), post, ...told }),
    z.object({ kind: z.literal("comment"), post, excerpt: z.string(), ...told }),
    z.object({ kind: z.literal("follow"), ...told }),
  ])
  .openapi("Notification");
export type Notification = z.infer<typeof Notification>;

export const NotificationPage = page(Notification).extend({ unread: z.number().int() }).openapi("NotificationPage");
export type NotificationPage = z.infer<typeof NotificationPage>;

/** Everything up to and including this time has been seen. */
export const MarkRead = z.object({ upTo: Timestamp }).openapi("MarkRead");

/** Notifications to be written, as a post's facts carry them. */
import { z } from "zod";
import { CommentId, PersonId, PostId } from "../ids.ts";
import { NotificationKind } from "../notifications.ts";

/** An event that may raise a notification. */
export const NoticeEvent = z.object({
  actor: PersonId,
  /** Grows with each newer event of the same notice, and never changes for the same event. Above 1. */
  raised: z.number().int(),
});
export type NoticeEvent = z.infer<typeof NoticeEvent>;

/** A notification to be written for `recipient`: its state at `version`, and the newest events that may raise it. */
export const Notice = z.object({
  recipient: PersonId,
  kind: NotificationKind,
  subject: z.union([PostId, CommentId, PersonId]),
  post: PostId.nullable(),
  /** Number of people, comments or requests. 0 hides the notification. */
  count: z.number().int(),
  /** The newest people, at most 3, newest first. */
  actors: z.array(PersonId),
  excerpt: z.string().nullable(),
  version: z.number().int(),
  events: z.array(NoticeEvent),
});
export type Notice = z.infer<typeof Notice>;

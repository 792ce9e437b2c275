import { z } from "@hono/zod-openapi";
import { CommentId, PostId } from "../ids.ts";
import { NotificationKind, UnreadCount, Who } from "../notifications.ts";
import { page, Timestamp } from "./common.ts";
import { PersonCard } from "./people.ts";

/** As an inbox names its entries: a kind and a subject. */
export const NotificationId = z
  .string()
  .regex(new RegExp(`^(${NotificationKind.options.join("|")})\\.[0-9a-f][0-9a-hjkmnp-tv-z]{12}$`), {
    error: "not the id of a notification",
  })
  .openapi({ example: "like.01m3qk7vt4xe9" });

const told = {
  id: NotificationId.openapi({ description: "Stays the same while the entry grows" }),
  actors: z.array(PersonCard).openapi({ description: "The newest people, at most 3, newest first" }),
  count: z.number().int().openapi({ description: "How many likes, comments, followers or requests there are" }),
  at: Timestamp.openapi({ description: "Of the newest of them that is news" }),
  unread: z.boolean(),
};
const post = z.object({ id: PostId, thumbnail: z.string().optional() });
const excerpt = z.string().openapi({ description: "Of the newest comment, or the comment that is liked" });
const comment = CommentId.openapi({ description: "The comment that is liked, or whose thread the replies are in" });

export const Notification = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("like"), post, ...told }),
    z.object({ kind: z.literal("comment"), post, excerpt, ...told }),
    z.object({ kind: z.literal("reply"), post, comment, excerpt, ...told }),
    z.object({ kind: z.literal("mention"), post, excerpt, ...told }),
    z.object({ kind: z.literal("comment_like"), post, comment, excerpt, ...told }),
    z.object({ kind: z.literal("new_post"), post, ...told }),
    z.object({ kind: z.literal("follow"), ...told }),
    z.object({ kind: z.literal("follow_request"), ...told }),
    z.object({ kind: z.literal("request_accepted"), ...told }),
  ])
  .openapi("Notification");
export type Notification = z.infer<typeof Notification>;

export const NotificationPage = page(Notification).extend({ unread: UnreadCount }).openapi("NotificationPage");
export type NotificationPage = z.infer<typeof NotificationPage>;

/** Everything up to and including this time has been seen. */
export const MarkRead = z.object({ upTo: Timestamp }).openapi("MarkRead");

const Preference = z.object({
  who: Who.openapi({ description: "By whom one wants to be told of it" }),
  push: z.boolean().openapi({ description: "On one's devices too" }),
});
const KINDS = Object.fromEntries(NotificationKind.options.map((kind) => [kind, Preference])) as Record<
  NotificationKind,
  typeof Preference
>;

const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: "not a time of day" });
const TimeZone = z.string().max(64).refine(isTimeZone, { error: "not a time zone" });

export const QuietHours = z
  .object({
    from: TimeOfDay.openapi({ example: "22:00" }),
    to: TimeOfDay.openapi({ example: "07:00" }),
    timeZone: TimeZone.openapi({ example: "Europe/Lisbon" }),
  })
  .openapi("QuietHours", {
    description: "When one's devices stay silent; what has come in between is pushed afterwards",
  });
export type QuietHours = z.infer<typeof QuietHours>;

export const Preferences = z
  .object({ kinds: z.object(KINDS), quietHours: QuietHours.nullable() })
  .openapi("NotificationPreferences");
export type Preferences = z.infer<typeof Preferences>;

/** What is not given is as for somebody new: by everyone, and on devices too. */
export const NewPreferences = z
  .object({ kinds: z.object(KINDS).partial().default({}), quietHours: QuietHours.nullable().default(null) })
  .openapi("NewNotificationPreferences");

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false;
  }
}

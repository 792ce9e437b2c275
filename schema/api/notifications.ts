import { z } from "@hono/zod-openapi";
import { CommentId, PostId, SessionId } from "../ids.ts";
import { SubjectId } from "../moderation.ts";
import { NotificationKind, OptionalKind, UnreadCount, NotificationSource } from "../notifications.ts";
import { page, Timestamp } from "./common.ts";
import { PersonCard } from "./people.ts";

/** The id of a notification: its kind and its subject. */
export const NotificationId = z
  .string()
  .regex(new RegExp(`^(${NotificationKind.options.join("|")})\\.[0-9a-f][0-9a-hjkmnp-tv-z]{12}$`), {
    error: "Not a notification id",
  })
  .openapi({ example: "like.01m3qk7vt4xe9" });

const common = {
  id: NotificationId.openapi({ description: "Stays the same while the notification grows" }),
  actors: z.array(PersonCard).openapi({ description: "The most recent people, at most 3, newest first" }),
  count: z.number().int().openapi({ description: "Number of likes, comments, followers or requests" }),
  at: Timestamp.openapi({ description: "Time of the most recent event that raised the notification" }),
  unread: z.boolean(),
};
const post = z.object({ id: PostId, thumbnail: z.string().optional() });
const excerpt = z.string().openapi({ description: "Beginning of the newest comment, or of the liked comment" });
const comment = CommentId.openapi({ description: "The liked comment, or the comment whose thread holds the replies" });

export const Notification = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("like"), post, ...common }),
    z.object({ kind: z.literal("comment"), post, excerpt, ...common }),
    z.object({ kind: z.literal("reply"), post, comment, excerpt, ...common }),
    z.object({ kind: z.literal("mention"), post, excerpt, ...common }),
    z.object({ kind: z.literal("comment_like"), post, comment, excerpt, ...common }),
    z.object({ kind: z.literal("new_post"), post, ...common }),
    z.object({ kind: z.literal("follow"), ...common }),
    z.object({ kind: z.literal("follow_request"), ...common }),
    z.object({ kind: z.literal("request_accepted"), ...common }),
    z.object({
      kind: z.literal("new_device"),
      session: SessionId,
      device: z.string().openapi({ description: "The device that has signed in, and where, as far as it is known" }),
      ...common,
    }),
    z.object({
      kind: z.literal("moderation"),
      subject: SubjectId,
      excerpt: z.string().openapi({ description: "The reason. See `/v1/me/decisions/{subject}`" }),
      ...common,
    }),
  ])
  .openapi("Notification");
export type Notification = z.infer<typeof Notification>;

export const NotificationPage = page(Notification).extend({ unread: UnreadCount }).openapi("NotificationPage");
export type NotificationPage = z.infer<typeof NotificationPage>;

export const MarkRead = z
  .object({ upTo: Timestamp.openapi({ description: "Everything up to and including this time has been read" }) })
  .openapi("MarkRead");

const Preference = z.object({
  who: NotificationSource.openapi({ description: "Whose actions notify the viewer" }),
  push: z.boolean().openapi({ description: "Whether to push these notifications to the viewer's devices" }),
});
const KINDS = Object.fromEntries(OptionalKind.options.map((kind) => [kind, Preference])) as Record<
  OptionalKind,
  typeof Preference
>;

const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: "Must be a time of day, such as 22:00" });
const TimeZone = z.string().max(64).refine(isTimeZone, { error: "Must be an IANA time zone, such as Europe/Lisbon" });

export const QuietHours = z
  .object({
    from: TimeOfDay.openapi({ example: "22:00" }),
    to: TimeOfDay.openapi({ example: "07:00" }),
    timeZone: TimeZone.openapi({ example: "Europe/Lisbon" }),
  })
  .openapi("QuietHours", {
    description: "When no pushes are sent. Whatever is still unread at the end is pushed then",
  });
export type QuietHours = z.infer<typeof QuietHours>;

export const Preferences = z
  .object({ kinds: z.object(KINDS), quietHours: QuietHours.nullable() })
  .openapi("NotificationPreferences");
export type Preferences = z.infer<typeof Preferences>;

/** Omitted fields are set to the defaults of a new account: everyone notifies, and pushes are on. */
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

import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { CommentId, PersonId, PostId, SessionId } from "../ids.ts";
import type { NotificationKind, NotificationSource } from "../notifications.ts";

/** The inbox: one row per kind and subject, rewritten as the subject changes. In the recipient's shard. */
export const notifications = sqliteTable(
  "notifications",
  {
    recipient: text().$type<PersonId>().notNull(),
    kind: text().$type<NotificationKind>().notNull(),
    /** The post, comment or person; for follows, the day (workers/notifications/follow-notifications.ts). */
    subject: text().$type<PostId | CommentId | PersonId | SessionId>().notNull(),
    /** The post that was liked, commented on or published, or that the comment belongs to. */
    post: text().$type<PostId>(),
    /** The newest people, at most 3, newest first. */
    actors: text({ mode: "json" }).$type<PersonId[]>().notNull(),
    count: integer().notNull(),
    /** Beginning of the newest comment. */
    excerpt: text(),
    /** The version of the state in this row: a late message never overwrites a newer one. */
    version: integer().notNull(),
    /** Number of the newest event that the recipient wants to hear about. It only grows; 0 if there was none. */
    raised: integer().notNull(),
    /** The value of `raised` that the recipient has seen. The notification is unread while this is less. */
    seen: integer().notNull().default(0),
    /** When it was last raised, in ms since 1970. */
    at: integer().notNull(),
    /** The value of `raised` at the last push to the recipient's devices, and when that was, in ms since 1970. */
    pushed: integer().notNull().default(0),
    pushedAt: integer("pushed_at").notNull().default(0),
    /** Until when a delayed message waits that will push it, in ms since 1970: workers/push/consumer.ts. */
    pushHeldUntil: integer("push_held_until").notNull().default(0),
    /** When somebody whom the recipient follows last raised it, in ms since 1970; 0 if only others did. */
    followedAt: integer("followed_at").notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.recipient, t.kind, t.subject] }),
    index("notifications_by_time")
      .on(t.recipient, sql`raised > seen`, t.at)
      .where(sql`count > 0 AND raised > 0`), // Unread ones are counted with every page, and the inbox is read by time.
  ],
);

/** A person's choices per kind. Without a row, everyone notifies, and pushes are on. */
export const notificationPreferences = sqliteTable(
  "notification_preferences",
  {
    person: text().$type<PersonId>().notNull(),
    kind: text().$type<NotificationKind>().notNull(),
    who: text().$type<NotificationSource>().notNull(),
    push: integer({ mode: "boolean" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.person, t.kind] })],
);

/** When nothing is pushed to a person: minutes of the day in their time zone. `fromMinute` may be after `toMinute`. */
export const quietHours = sqliteTable("quiet_hours", {
  person: text().$type<PersonId>().primaryKey(),
  fromMinute: integer("from_minute").notNull(),
  toMinute: integer("to_minute").notNull(),
  timeZone: text("time_zone").notNull(),
});

/** People that a person has muted. The muted person does not learn of it, and may see and do everything as before. */
export const mutes = sqliteTable(
  "mutes",
  { person: text().$type<PersonId>().notNull(), other: text().$type<PersonId>().notNull() },
  (t) => [
    primaryKey({ columns: [t.person, t.other] }),
    index("mutes_by_other").on(t.other), // Closing an account removes the mutes of it.
  ],
);

/** Posts about which a person wants no notifications. */
export const mutedPosts = sqliteTable(
  "muted_posts",
  { person: text().$type<PersonId>().notNull(), post: text().$type<PostId>().notNull() },
  (t) => [primaryKey({ columns: [t.person, t.post] })],
);

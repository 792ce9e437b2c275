import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { CommentId, PersonId, PostId } from "../ids.ts";
import type { NotificationKind, Who } from "../notifications.ts";

/** What a person is told: one row a kind and subject, rewritten as its subject changes. In the recipient's shard. */
export const notifications = sqliteTable(
  "notifications",
  {
    recipient: text().$type<PersonId>().notNull(),
    kind: text().$type<NotificationKind>().notNull(),
    /** What it is about, for a kind: the post, the comment, the person; for follows the day (workers/delivery/follow.ts). */
    subject: text().$type<PostId | CommentId | PersonId>().notNull(),
    /** The post that was liked, commented on or published, or whose comment it is about. */
    post: text().$type<PostId>(),
    /** The newest, at most 3, newest first. */
    actors: text({ mode: "json" }).$type<PersonId[]>().notNull(),
    count: integer().notNull(),
    /** Of the newest comment. */
    excerpt: text(),
    /** Of the state that the row tells: a late message never overwrites a newer one. */
    version: integer().notNull(),
    /** How far what happened has come that the recipient wants to be told of: it only grows. 0: never anything. */
    raised: integer().notNull(),
    /** What `raised` was when the recipient saw it. Unread while it is less. */
    seen: integer().notNull().default(0),
    /** When it was last raised, in milliseconds since 1970. */
    at: integer().notNull(),
    /** What `raised` was when the recipient's devices were told, and when that was, in milliseconds since 1970. */
    pushed: integer().notNull().default(0),
    pushedAt: integer("pushed_at").notNull().default(0),
    /** Until then a message waits in the queue that will push it, likewise: workers/push/consumer.ts. */
    pushHeldUntil: integer("push_held_until").notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.recipient, t.kind, t.subject] }),
    index("notifications_by_time")
      .on(t.recipient, t.at)
      .where(sql`count > 0 AND raised > 0`), // The inbox is read in this order.
    index("notifications_unread")
      .on(t.recipient, t.at)
      .where(sql`count > 0 AND raised > seen`), // Every page shows how many there are.
  ],
);

/** Without a row: by everyone, and on their devices too. */
export const notificationPreferences = sqliteTable(
  "notification_preferences",
  {
    person: text().$type<PersonId>().notNull(),
    kind: text().$type<NotificationKind>().notNull(),
    who: text().$type<Who>().notNull(),
    push: integer({ mode: "boolean" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.person, t.kind] })],
);

/** When a person's devices stay silent: minutes of their day, in their time zone. The first may be the later one. */
export const quietHours = sqliteTable("quiet_hours", {
  person: text().$type<PersonId>().primaryKey(),
  fromMinute: integer("from_minute").notNull(),
  toMinute: integer("to_minute").notNull(),
  timeZone: text("time_zone").notNull(),
});

/** Of whom a person wants to hear nothing. The other is not told, and may see and do all that others may. */
export const mutes = sqliteTable(
  "mutes",
  { person: text().$type<PersonId>().notNull(), other: text().$type<PersonId>().notNull() },
  (t) => [primaryKey({ columns: [t.person, t.other] })],
);

export const mutedPosts = sqliteTable(
  "muted_posts",
  { person: text().$type<PersonId>().notNull(), post: text().$type<PostId>().notNull() },
  (t) => [primaryKey({ columns: [t.person, t.post] })],
);

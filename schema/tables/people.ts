import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { PersonId, SessionId } from "../ids.ts";
import type { RelayName } from "../live-relays.ts";

/** How an author's posts get to their readers: see workers/delivery/large-authors.ts. */
export type Reach = "pushed" | "turning" | "merged";

/** The counts are kept by triggers on `following`, `followers` and `posts`, so they are exact and never counted again. */
export const people = sqliteTable("people", {
  id: text().$type<PersonId>().primaryKey(),
  handle: text().notNull(),
  name: text().notNull(),
  bio: text().notNull().default(""),
  posts: integer().notNull().default(0),
  followers: integer().notNull().default(0),
  following: integer().notNull().default(0),
  reach: text().$type<Reach>().notNull().default("pushed"),
  /** The day they last read their feed, in days since 1970; fan-out skips who was away for long. */
  seenDay: integer("seen_day").notNull().default(0),
  /** From the moment that a dormant reader is back until their feed is whole: workers/delivery/dormant.ts. */
  rebuilding: integer({ mode: "boolean" }).notNull().default(false),
});

/** In the shard of the handle's hash. A claim whose person was never written is taken over: workers/api/sign-up.ts. */
export const handles = sqliteTable("handles", {
  handle: text().primaryKey(),
  person: text().$type<PersonId>().notNull(),
});

/** Apart from `people`, so that nothing that reads a person can read a password. */
export const credentials = sqliteTable("credentials", {
  person: text().$type<PersonId>().primaryKey(),
  password: text().notNull(),
});

/** In the shard of the person, which the session's id carries. */
export const sessions = sqliteTable("sessions", {
  id: text().$type<SessionId>().primaryKey(),
  person: text().$type<PersonId>().notNull(),
  secretHash: text("secret_hash").notNull(),
  expiresAt: integer("expires_at").notNull(),
});

/**
 * Whom a person reads: the fact. The row stays after an unfollow, because its version orders the copies of it that
 * travel to `followers`.
 */
export const following = sqliteTable(
  "following",
  {
    follower: text().$type<PersonId>().notNull(),
    followee: text().$type<PersonId>().notNull(),
    active: integer({ mode: "boolean" }).notNull(),
    version: integer().notNull(),
    /** The followee is a large author, whose posts are merged in at read. It stays after an unfollow, for the next follow. */
    merged: integer({ mode: "boolean" }).notNull().default(false),
  },
  (t) => [
    primaryKey({ columns: [t.follower, t.followee] }),
    index("following_merged")
      .on(t.follower, t.followee)
      .where(sql`merged = 1 AND active = 1`), // Every page of a feed asks for them.
  ],
);

/** The mirror of `following` in the followee's shard, in the order that fan-out reads it: by the follower's shard. */
export const followers = sqliteTable(
  "followers",
  {
    followee: text().$type<PersonId>().notNull(),
    followerShard: integer("follower_shard").notNull(),
    follower: text().$type<PersonId>().notNull(),
    active: integer({ mode: "boolean" }).notNull(),
    version: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.followee, t.followerShard, t.follower] })],
);

/**
 * Blocks as `person` needs them, in their shard: whom they have blocked (the fact), and who has blocked them (the mirror
 * of the other's fact). The row stays after an unblock, because its versions order the copies that travel.
 */
export const blocks = sqliteTable(
  "blocks",
  {
    person: text().$type<PersonId>().notNull(),
    other: text().$type<PersonId>().notNull(),
    mine: integer({ mode: "boolean" }).notNull(),
    /** Of `mine`; 0 when there never was such a block. */
    version: integer().notNull(),
    theirs: integer({ mode: "boolean" }).notNull(),
    /** Of `theirs`: a mirror never goes back. */
    theirVersion: integer("their_version").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.person, t.other] }),
    index("blocks_active")
      .on(t.person, t.other)
      .where(sql`mine = 1 OR theirs = 1`), // Every request asks whether there is one.
  ],
);

/** What a person is told: one row a kind and subject, rewritten as its subject changes. In the recipient's shard. */
export const notifications = sqliteTable(
  "notifications",
  {
    recipient: text().$type<PersonId>().notNull(),
    kind: text({ enum: ["like", "comment", "follow"] }).notNull(),
    /** The post that was liked or commented on, or the person who follows. */
    subject: text().notNull(),
    /** JSON array of at most 3 person ids, newest first. */
    actors: text({ mode: "json" }).$type<PersonId[]>().notNull(),
    count: integer().notNull(),
    /** The newest comment. */
    excerpt: text(),
    /** The `seq` of the newest like or comment that counts: a higher one makes the notification unread again. */
    raised: integer().notNull(),
    /** The `seq` of the last change of its subject: a late message never overwrites a newer row. */
    version: integer().notNull(),
    /** When it was last raised, in milliseconds since 1970. */
    at: integer().notNull(),
    unread: integer({ mode: "boolean" }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.recipient, t.kind, t.subject] }),
    index("notifications_by_time").on(t.recipient, t.at), // The inbox is read in this order.
  ],
);

/**
 * What must still follow from a row that was committed together with this one. Sent to a queue at once, deleted when
 * done, and sent again by cron when `dueAt` has passed. In the shard of the row it follows from.
 */
export const effects = sqliteTable("effects", {
  id: text().primaryKey(),
  body: text({ mode: "json" }).notNull(),
  dueAt: integer("due_at").notNull(),
  attempts: integer().notNull().default(0),
});

/**
 * Which relay holds sockets of a person, in their shard. `until` is when every socket that the row speaks of has ended, in
 * ms since 1970; it changes with each writing, so that one who deletes an older row does not delete a newer one.
 */
export const livePlaces = sqliteTable(
  "live_places",
  {
    person: text().$type<PersonId>().notNull(),
    relay: text().$type<RelayName>().notNull(),
    until: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.person, t.relay] })],
);

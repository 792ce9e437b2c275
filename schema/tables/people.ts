import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { PersonId, SessionId } from "../ids.ts";
import type { RelayName } from "../live/live-relays.ts";

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
  /** Their posts are for their accepted followers alone. */
  private: integer({ mode: "boolean" }).notNull().default(false),
  /** How many have asked to follow them and wait for an answer. */
  requests: integer().notNull().default(0),
  /** Of their uploads, with those under way: kept by triggers on `media`. */
  mediaBytes: integer("media_bytes").notNull().default(0),
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
 * Whom a person reads, or has asked to: the fact. The row stays after an unfollow, because its version orders the copies of
 * it that travel to `followers`.
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
    /** The follower wants to be told of each new post. */
    bell: integer({ mode: "boolean" }).notNull().default(false),
    /** They have asked to follow, and have not been accepted: never together with `active`. */
    requested: integer({ mode: "boolean" }).notNull().default(false),
    /** Numbers what they have asked for. It stays when that is accepted, and an answer is one to it alone. */
    asked: integer().notNull().default(0),
    /** When they asked, in ms since 1970. */
    since: integer().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.follower, t.followee] }),
    index("following_requested")
      .on(t.follower, t.followee)
      .where(sql`requested = 1`), // They are counted before another one.
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
    bell: integer({ mode: "boolean" }).notNull().default(false),
    /** The follower has asked, and the followee has not answered yet. */
    pending: integer({ mode: "boolean" }).notNull().default(false),
    asked: integer().notNull().default(0),
    since: integer().notNull().default(0),
    /** To which `asked` the followee has answered: their own decision, of which `following` is told. -1: to none. */
    answered: integer().notNull().default(-1),
    accepted: integer({ mode: "boolean" }).notNull().default(false),
    /** The subject of the notification that counts this follow, if one does. */
    toldIn: text("told_in"),
    /** When the two have last raised a notification, in ms since 1970. */
    toldAt: integer("told_at").notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.followee, t.followerShard, t.follower] }),
    index("followers_pending")
      .on(t.followee, t.since, t.follower)
      .where(sql`pending = 1`), // Requests are listed newest first.
    index("followers_told")
      .on(t.followee, t.toldIn, t.since)
      .where(sql`told_in IS NOT NULL`), // A notification names the newest of those whom it counts.
    index("followers_bell")
      .on(t.followee, t.followerShard, t.follower)
      .where(sql`bell = 1 AND active = 1`), // A large author's posts go to nobody's feed, but to these.
  ],
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

import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { EffectId, MediaId, PersonId, SessionId } from "../ids.ts";
import type { RelayName } from "../live/live-relays.ts";
import type { ExclusionMarks } from "../viewing.ts";
import type { CommentRules } from "../comment-rules.ts";
import type { Role } from "../moderation.ts";

/** How an author's posts reach their readers: see workers/feeds/large-authors.ts. */
export type Reach = "pushed" | "turning" | "merged";

/** Triggers on `following`, `followers` and `posts` keep the counts, so they are exact and never recounted. */
export const people = sqliteTable("people", {
  id: text().$type<PersonId>().primaryKey(),
  handle: text().notNull(),
  name: text().notNull(),
  bio: text().notNull().default(""),
  posts: integer().notNull().default(0),
  followers: integer().notNull().default(0),
  following: integer().notNull().default(0),
  reach: text().$type<Reach>().notNull().default("pushed"),
  /** The day on which they last read their feed, in days since 1970. Fan-out skips dormant readers. */
  seenDay: integer("seen_day").notNull().default(0),
  /** True from the return of a dormant reader until their feed is complete: workers/feeds/dormant.ts. */
  rebuilding: integer({ mode: "boolean" }).notNull().default(false),
  /** Whether only approved followers may see their posts. */
  private: integer({ mode: "boolean" }).notNull().default(false),
  /** Number of open follow requests to them. */
  requests: integer().notNull().default(0),
  /** Total size of their uploads and posters, including uploads under way. Kept by triggers on `media`. */
  mediaBytes: integer("media_bytes").notNull().default(0),
  /** How new a viewer's side must be before they see this person's posts: schema/viewing.ts. */
  exclusionMarks: text("exclusion_marks", { mode: "json" }).$type<ExclusionMarks>().notNull().default({}),
  /** How many entries have left their feed since it was last filled: workers/feeds/refill.ts. */
  feedGaps: integer("feed_gaps").notNull().default(0),
  /** The effect of the refill that their feed waits for, and whether that has read whom they follow. */
  refill: text().$type<EffectId>(),
  refillBegun: integer("refill_begun", { mode: "boolean" }).notNull().default(false),
  /** JSON: their last pushes, newest first (workers/push/pace.ts). */
  recentPushes: text("recent_pushes").notNull().default("[]"),
  /** When they last changed their handle, in ms since 1970. */
  handleChangedAt: integer("handle_changed_at").notNull().default(0),
  /** What they may do beyond others. */
  role: text().$type<Role>().notNull().default("none"),
  /** Until when they may write nothing, in ms since 1970; FOREVER for no end, 0 for never. */
  suspendedUntil: integer("suspended_until").notNull().default(0),
  /** Whether a moderator has closed the account: nobody else sees the profile and the posts. */
  barred: integer({ mode: "boolean" }).notNull().default(false),
  /** Whose comments on their posts they alone see, and which words hold a comment back. */
  commentRules: text("comment_rules", { mode: "json" }).$type<CommentRules>().notNull().default({}),
  /** A file of theirs, which is in use while it is named here: workers/media/profile-pictures.ts. */
  picture: text().$type<MediaId>(),
});

/** In the shard of the handle's hash. An old claim without a person is taken over: workers/api/accounts/sign-up.ts. */
export const handles = sqliteTable(
  "handles",
  {
    handle: text().primaryKey(),
    person: text().$type<PersonId>().notNull(),
    /**
     * Until when the handle belongs to the person even if they have another one, in ms since 1970: see
     * workers/api/accounts/change-handle.ts. Null if it is theirs for as long as they have it.
     */
    until: integer(),
  },
  (t) => [
    index("handles_until")
      .on(t.until)
      .where(sql`until IS NOT NULL`), // Former handles are released when their time is over.
  ],
);

/**
 * Claims on handles that look alike: see workers/names/lookalikes.ts. In the shard of the skeleton's hash. Only
 * handles that another one may be taken for have a row.
 */
export const lookalikes = sqliteTable("lookalikes", {
  skeleton: text().primaryKey(),
  handle: text().notNull(),
  person: text().$type<PersonId>().notNull(),
});

/** Secrets that replace a forgotten password, each once. In the shard of the person. */
export const recoverySecrets = sqliteTable(
  "recovery_secrets",
  {
    person: text().$type<PersonId>().notNull(),
    /** SHA-256: the secrets are random and too long to guess. */
    hash: text().notNull(),
    /** A code that the person keeps, or a link from the operator. */
    kind: text({ enum: ["code", "link"] }).notNull(),
    madeAt: integer("made_at").notNull(),
    /** In ms since 1970; null for never. */
    expiresAt: integer("expires_at"),
  },
  (t) => [primaryKey({ columns: [t.person, t.hash] })],
);

/** Apart from `people`, so that code which reads a person never reads a password. */
export const credentials = sqliteTable("credentials", {
  person: text().$type<PersonId>().primaryKey(),
  password: text().notNull(),
  /** When the newest challenge was issued that one of the person's passkeys has answered, in ms since 1970. */
  challengedAt: integer("challenged_at").notNull().default(0),
});

/** Passkeys, in the shard of their person: see docs/decisions/0039-passkeys.md. */
export const passkeys = sqliteTable(
  "passkeys",
  {
    person: text().$type<PersonId>().notNull(),
    /** The credential's own id, in base64url. Another person may have the same. */
    id: text().notNull(),
    /** The COSE key, in base64url. */
    publicKey: text("public_key").notNull(),
    /** The highest counter that the authenticator has sent; 0 if it does not count. */
    signCount: integer("sign_count").notNull(),
    name: text().notNull(),
    /** In ms since 1970. */
    addedAt: integer("added_at").notNull(),
    /** When it last signed in, in ms since 1970; null for never. */
    usedAt: integer("used_at"),
  },
  (t) => [primaryKey({ columns: [t.person, t.id] })],
);

/** In the shard of the person; the session's id carries the same shard, and the time of the sign-in. */
export const sessions = sqliteTable(
  "sessions",
  {
    id: text().$type<SessionId>().primaryKey(),
    person: text().$type<PersonId>().notNull(),
    secretHash: text("secret_hash").notNull(),
    /** When it ends unless it is used before, in ms since 1970. */
    expiresAt: integer("expires_at").notNull(),
    /** When it was last used, in ms since 1970: up to six hours too early. */
    usedAt: integer("used_at").notNull().default(0),
    /** The browser and system that signed in, in plain words. */
    device: text().notNull().default("Unknown device"),
    /** Where the sign-in came from, such as "Lisbon, Portugal". */
    place: text(),
    /** The secret before the last renewal. It is valid until the new one has been used. */
    priorHash: text("prior_hash"),
    renewedAt: integer("renewed_at").notNull().default(0),
  },
  (t) => [index("sessions_by_person").on(t.person)], // They are listed, ended together and limited in number.
);

/**
 * Follows and follow requests, the fact: in the follower's shard. The row stays after an unfollow, because its version
 * orders the copies that travel to `followers`.
 */
export const following = sqliteTable(
  "following",
  {
    follower: text().$type<PersonId>().notNull(),
    followee: text().$type<PersonId>().notNull(),
    active: integer({ mode: "boolean" }).notNull(),
    version: integer().notNull(),
    /** The followee is a large author, merged at read. It stays after an unfollow, for the next follow. */
    merged: integer({ mode: "boolean" }).notNull().default(false),
    /** The follower is notified of each new post. */
    bell: integer({ mode: "boolean" }).notNull().default(false),
    /** The follow is an open request. Never together with `active`. */
    requested: integer({ mode: "boolean" }).notNull().default(false),
    /** Number of the latest request. It stays when the request is accepted, and a decision refers to one number. */
    asked: integer().notNull().default(0),
    /** When they asked or followed, in ms since 1970. */
    since: integer().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.follower, t.followee] }),
    index("following_requested")
      .on(t.follower, t.followee)
      .where(sql`requested = 1`), // Open requests are counted before a new one.
    index("following_merged")
      .on(t.follower, t.followee)
      .where(sql`merged = 1 AND active = 1`), // Every page of a feed looks up the large authors.
  ],
);

/** The mirror of `following` in the followee's shard, ordered by the follower's shard as fan-out reads it. */
export const followers = sqliteTable(
  "followers",
  {
    followee: text().$type<PersonId>().notNull(),
    followerShard: integer("follower_shard").notNull(),
    follower: text().$type<PersonId>().notNull(),
    active: integer({ mode: "boolean" }).notNull(),
    version: integer().notNull(),
    bell: integer({ mode: "boolean" }).notNull().default(false),
    /** The request is waiting for the followee's decision. */
    pending: integer({ mode: "boolean" }).notNull().default(false),
    asked: integer().notNull().default(0),
    since: integer().notNull().default(0),
    /** The `asked` of the followee's latest decision, a fact that an effect carries to `following`. -1: none yet. */
    answered: integer().notNull().default(-1),
    accepted: integer({ mode: "boolean" }).notNull().default(false),
    /** The subject of the notification that counts this follow, if one does. */
    toldIn: text("told_in"),
    /** When this follow or request last raised a notification, in ms since 1970. */
    toldAt: integer("told_at").notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.followee, t.followerShard, t.follower] }),
    index("followers_pending")
      .on(t.followee, t.since, t.follower)
      .where(sql`pending = 1`), // Requests are listed newest first.
    index("followers_told")
      .on(t.followee, t.toldIn, t.since)
      .where(sql`told_in IS NOT NULL`), // A notification names the newest of the followers it counts.
    index("followers_bell")
      .on(t.followee, t.followerShard, t.follower)
      .where(sql`bell = 1 AND active = 1`), // A large author's fan-out serves only these followers.
  ],
);

/**
 * Blocks as `person` needs them, in their shard: the people they have blocked (the fact), and the people who have
 * blocked them (the mirror of the other's fact). The row stays after an unblock, because its versions order the copies
 * that travel.
 */
export const blocks = sqliteTable(
  "blocks",
  {
    person: text().$type<PersonId>().notNull(),
    other: text().$type<PersonId>().notNull(),
    mine: integer({ mode: "boolean" }).notNull(),
    /** Version of `mine`; 0 if there never was such a block. */
    version: integer().notNull(),
    theirs: integer({ mode: "boolean" }).notNull(),
    /** Version of `theirs`: a mirror never goes back. */
    theirVersion: integer("their_version").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.person, t.other] }),
    index("blocks_active")
      .on(t.person, t.other)
      .where(sql`mine = 1 OR theirs = 1`), // Every signed-in request checks whether there is one.
  ],
);

/**
 * Effects that are not done yet, each committed together with the row it follows from and in that row's shard. An
 * effect is sent to its queue at once, deleted when it is done, and sent again by cron once `dueAt` has passed.
 */
export const effects = sqliteTable("effects", {
  id: text().primaryKey(),
  body: text({ mode: "json" }).notNull(),
  dueAt: integer("due_at").notNull(),
  attempts: integer().notNull().default(0),
});

/**
 * The relays that hold a person's sockets, in the person's shard. At `until`, in ms since 1970, every socket covered by
 * the row has ended. It changes with every write, so that deleting an older version of the row cannot delete a newer
 * one.
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

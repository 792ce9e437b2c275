import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { CommentState } from "../comments.ts";
import type { CommentPolicy, PostMedia } from "../posts.ts";
import type { CommentId, MediaId, PersonId, PostId } from "../ids.ts";
import type { MediaDetails } from "../media/media-details.ts";
import type { MediaType } from "../media/media-types.ts";

/** Projection of the post actors, in the author's shard. The id contains the time of publishing. */
export const posts = sqliteTable(
  "posts",
  {
    id: text().$type<PostId>().primaryKey(),
    author: text().$type<PersonId>().notNull(),
    caption: text().notNull(),
    media: text({ mode: "json" }).$type<PostMedia[]>().notNull(),
    /** The actor's `seq` of the last change to this row. */
    seq: integer().notNull(),
    /** When the caption was last changed, in ms since 1970. */
    editedAt: integer("edited_at"),
  },
  (t) => [index("posts_by_author").on(t.author, t.id)], // For profiles, and for the backfill of a new follower's feed.
);

/**
 * Projection of the post actors: the standing of each post. Apart from `posts`, because it changes with every like and
 * a post hardly ever. The row of a deleted post stays, so that no late message brings the post back.
 */
export const postStats = sqliteTable("post_stats", {
  post: text().$type<PostId>().primaryKey(),
  likes: integer().notNull(),
  comments: integer().notNull(),
  /** The actor's `seq` at which the counts were read. */
  seq: integer().notNull(),
  /** Everything up to this `seq` is in D1, without a gap. */
  projected: integer().notNull().default(0),
  /** The `seq` of the last change to the body. A document with an older one is out of date. */
  bodySeq: integer("body_seq").notNull().default(1),
  policy: text().$type<CommentPolicy>().notNull().default("everyone"),
  pinned: text().$type<CommentId>(),
  deleted: integer({ mode: "boolean" }).notNull().default(false),
  /** Every comment up to this one is in D1. Later ones are not shown yet, because some between them may be missing. */
  commentsUpTo: text("comments_up_to").$type<CommentId | "">().notNull().default(""),
  /** All notices up to this `seq` are in D1, without a gap, and have been announced. */
  noticed: integer().notNull().default(0),
  /** Whether a moderator has taken it down. */
  takenDown: integer("taken_down", { mode: "boolean" }).notNull().default(false),
});

/** Projection of the post actors, in the actor's order: the id of a comment is above that of every earlier one. */
export const comments = sqliteTable(
  "comments",
  {
    post: text().$type<PostId>().notNull(),
    /** The comment whose thread this reply is in; "" for a comment on the post itself. */
    parent: text().$type<CommentId | "">().notNull(),
    id: text().$type<CommentId>().notNull(),
    author: text().$type<PersonId>().notNull(),
    text: text().notNull(),
    /** The person that a reply answers. */
    replyTo: text("reply_to").$type<PersonId>(),
    likes: integer().notNull(),
    replies: integer().notNull(),
    hiddenReplies: integer("hidden_replies").notNull().default(0),
    state: text().$type<CommentState>().notNull(),
    editedAt: integer("edited_at"),
    seq: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.post, t.parent, t.id] }),
    index("comments_by_likes")
      .on(t.post, t.parent, t.likes, t.id)
      .where(sql`state = 'shown'`), // For the order "most liked first".
    index("comments_hidden")
      .on(t.post, t.parent, t.author, t.id)
      .where(sql`state = 'hidden'`), // Writers go on seeing their own.
    index("comments_by_author").on(t.author), // Closing an account removes them, and an export lists them.
  ],
);

/** Projection of the post actors: the comments that a person likes. In the person's shard. */
export const commentLikes = sqliteTable(
  "comment_likes",
  {
    person: text().$type<PersonId>().notNull(),
    comment: text().$type<CommentId>().notNull(),
    liked: integer({ mode: "boolean" }).notNull(),
    seq: integer().notNull(),
    /** The post that the comment is on; "" in rows from before this was stored. */
    post: text().$type<PostId | "">().notNull().default(""),
  },
  (t) => [primaryKey({ columns: [t.person, t.comment] })],
);

/** Projection of the post actors: the posts that a person likes. In the person's shard. An unlike keeps its row. */
export const likes = sqliteTable(
  "likes",
  {
    person: text().$type<PersonId>().notNull(),
    post: text().$type<PostId>().notNull(),
    liked: integer({ mode: "boolean" }).notNull(),
    seq: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.person, t.post] })],
);

/** The entries of a reader's feed, ordered by post id and so by time. In the reader's shard. */
export const feed = sqliteTable(
  "feed",
  {
    reader: text().$type<PersonId>().notNull(),
    post: text().$type<PostId>().notNull(),
    author: text().$type<PersonId>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.reader, t.post] })],
);

/**
 * Uploads and the results of their inspection. A row is written before its object and deleted after it, so no object is
 * without a row. In state "deleted" the object may still exist, but nobody can use the file any more.
 */
export const media = sqliteTable(
  "media",
  {
    id: text().$type<MediaId>().primaryKey(),
    owner: text().$type<PersonId>().notNull(),
    state: text({ enum: ["uploading", "uploaded", "ready", "rejected", "deleted"] }).notNull(),
    /** Detected from the first bytes. */
    contentType: text("content_type").$type<MediaType>().notNull(),
    bytes: integer().notNull(),
    alt: text().notNull().default(""),
    /** Size of the upright picture in pixels, once ready. */
    width: integer(),
    height: integer(),
    /** Code of the reason, once rejected. */
    rejection: text(),
    /** Results of the inspection, once ready. */
    details: text({ mode: "json" }).$type<MediaDetails>(),
    /** The post of the latest claim, and its time, in ms since 1970. That post may not exist (yet). */
    claimedBy: text("claimed_by").$type<PostId>(),
    claimedAt: integer("claimed_at"),
    /** When to check whether the file is still needed, in ms since 1970; null once a post shows it. */
    lookAt: integer("look_at"),
    /** Size of a video's poster and its renditions. */
    posterBytes: integer("poster_bytes").notNull().default(0),
    /** Size of what was made of the file: renditions, and the served copy of a video. */
    derivedBytes: integer("derived_bytes").notNull().default(0),
    /** Size of its squares for a profile picture, which is part of `derivedBytes`; 0 until it was one. */
    squareBytes: integer("square_bytes").notNull().default(0),
    /** Size of each rendition that was made on demand, by its name, which is part of `derivedBytes`. */
    onDemand: text("on_demand", { mode: "json" }).$type<Record<string, number>>(),
  },
  (t) => [
    index("media_to_look_at")
      .on(t.lookAt)
      .where(sql`look_at IS NOT NULL`), // Files that may be collected.
    index("media_uploading")
      .on(t.owner)
      .where(sql`state = 'uploading'`), // Counts a person's unfinished uploads.
    index("media_by_owner").on(t.owner), // Closing an account deletes them, and an export lists them.
  ],
);

/** The post that a person's Idempotency-Key has created. In the person's shard; deleted a day after its use. */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    person: text().$type<PersonId>().notNull(),
    key: text().notNull(),
    post: text().$type<PostId>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.person, t.key] })],
);

/** For the people in this database: how many like a post, and the digest of that set (schema/set-hash.ts). */
export const likeDigests = sqliteTable("like_digests", {
  post: text().$type<PostId>().primaryKey(),
  likes: integer().notNull(),
  a: integer().notNull(),
  b: integer().notNull(),
  c: integer().notNull(),
});

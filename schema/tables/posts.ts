import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { CommentFact, CommentPolicy, PostMedia } from "../messages/facts.ts";
import type { CommentId, MediaId, PersonId, PostId } from "../ids.ts";
import type { MediaDetails } from "../media/media-details.ts";
import type { MediaType } from "../media/media-types.ts";

/** Projection of the post actor. In the author's shard; the time of publishing is in the id. */
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
  (t) => [index("posts_by_author").on(t.author, t.id)], // A profile, and the backfill of a new follower's feed.
);

/**
 * Projection of the post actor: apart from `posts`, because it changes with every like and the post hardly ever. Of a post
 * that is gone it stays, so that nothing late brings the post back.
 */
export const postStats = sqliteTable("post_stats", {
  post: text().$type<PostId>().primaryKey(),
  likes: integer().notNull(),
  comments: integer().notNull(),
  /** The actor's `seq` that the counts are of. */
  seq: integer().notNull(),
  /** Everything up to this `seq` is here, without a gap. */
  projected: integer().notNull().default(0),
  /** The `seq` of the last change to the body: a document of an older one is out of date. */
  bodySeq: integer("body_seq").notNull().default(1),
  policy: text().$type<CommentPolicy>().notNull().default("everyone"),
  pinned: text().$type<CommentId>(),
  deleted: integer({ mode: "boolean" }).notNull().default(false),
  /** Every comment up to this one is here. Those behind it are not shown yet: some between them may be missing. */
  commentsUpTo: text("comments_up_to").$type<CommentId | "">().notNull().default(""),
});

/** Projection of the post actor, in the actor's order: a comment's id is above that of every earlier one. */
export const comments = sqliteTable(
  "comments",
  {
    post: text().$type<PostId>().notNull(),
    /** The comment that this one replies to; "" for one on the post itself. */
    parent: text().$type<CommentId | "">().notNull(),
    id: text().$type<CommentId>().notNull(),
    author: text().$type<PersonId>().notNull(),
    text: text().notNull(),
    /** Whom a reply answers. */
    replyTo: text("reply_to").$type<PersonId>(),
    likes: integer().notNull(),
    replies: integer().notNull(),
    hiddenReplies: integer("hidden_replies").notNull().default(0),
    state: text().$type<CommentFact["state"]>().notNull(),
    editedAt: integer("edited_at"),
    seq: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.post, t.parent, t.id] }),
    index("comments_by_likes")
      .on(t.post, t.parent, t.likes, t.id)
      .where(sql`state = 'shown'`), // Most liked first.
  ],
);

/** Projection of the post actors, in the shard of the person: which comments they like. */
export const commentLikes = sqliteTable(
  "comment_likes",
  {
    person: text().$type<PersonId>().notNull(),
    comment: text().$type<CommentId>().notNull(),
    liked: integer({ mode: "boolean" }).notNull(),
    seq: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.person, t.comment] })],
);

/** Projection of the post actors, in the shard of the person: what they like. An unlike stays as a row, as its order. */
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

/** What a reader's feed holds, newest first by the post's id. In the reader's shard. */
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
 * An upload and what inspection found in it. The row is written before the object and deleted after it, so no object is
 * without a row: "deleted" is a row whose object may still be there, and is nobody's any more.
 */
export const media = sqliteTable(
  "media",
  {
    id: text().$type<MediaId>().primaryKey(),
    owner: text().$type<PersonId>().notNull(),
    state: text({ enum: ["uploading", "uploaded", "ready", "rejected", "deleted"] }).notNull(),
    /** As its first bytes say. */
    contentType: text("content_type").$type<MediaType>().notNull(),
    bytes: integer().notNull(),
    alt: text().notNull().default(""),
    /** Upright, in pixels, once ready. */
    width: integer(),
    height: integer(),
    /** Why it was rejected, once rejected. */
    rejection: text(),
    /** What inspection found, once ready. */
    details: text({ mode: "json" }).$type<MediaDetails>(),
    /** The post that it was published with last, and when, in ms since 1970. That post may not exist (yet). */
    claimedBy: text("claimed_by").$type<PostId>(),
    claimedAt: integer("claimed_at"),
    /** When it is to be seen whether the file is still wanted, in ms since 1970; null once a post shows it. */
    lookAt: integer("look_at"),
    /** Of the picture that stands for a video. */
    posterBytes: integer("poster_bytes").notNull().default(0),
  },
  (t) => [
    index("media_to_look_at")
      .on(t.lookAt)
      .where(sql`look_at IS NOT NULL`), // What may be collected.
    index("media_uploading")
      .on(t.owner)
      .where(sql`state = 'uploading'`), // How many a person has under way.
  ],
);

/** Which post a person's Idempotency-Key has made. In the person's shard; forgotten a day after it was used. */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    person: text().$type<PersonId>().notNull(),
    key: text().notNull(),
    post: text().$type<PostId>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.person, t.key] })],
);

/** Of the people in this database: how many like a post, and the digest (schema/set-hash.ts) of who they are. */
export const likeDigests = sqliteTable("like_digests", {
  post: text().$type<PostId>().primaryKey(),
  likes: integer().notNull(),
  a: integer().notNull(),
  b: integer().notNull(),
  c: integer().notNull(),
});

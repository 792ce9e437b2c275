import type { CommentId, PersonId, PostId } from "../schema/ids.ts";
import type { Migration } from "./migrate.ts";

/** The one row of `post`: what was published, and where the post stands. */
export type PostRow = {
  id: PostId;
  author: PersonId;
  caption: string;
  /** JSON of PostBody["media"]. */
  media: string;
  /** The `seq` of the last change to the caption or the pictures. */
  body_seq: number;
  /** Counts every change of the post, its likes and its comments. */
  seq: number;
  likes: number;
  comments: number;
  /** How many of `comments` are the author's own. */
  own_comments: number;
  /** Everything up to this `seq` is known to be in D1. */
  confirmed: number;
  /** 1 once every follower's feed is known to have the post. */
  delivered: number;
};

/** A person who likes or liked. The row stays after an unlike, because the unlike must still reach D1. */
export type LikeRow = { person: PersonId; liked: number; seq: number; at: number };

export type CommentRow = { id: CommentId; author: PersonId; text: string; seq: number };

/** A comment that a person has made under an Idempotency-Key. */
export type KeyRow = { person: PersonId; key: string; comment: CommentId; at: number };

export const migrations: readonly Migration[] = [
  (sql) => {
    sql.exec(`
      CREATE TABLE post (
        id TEXT NOT NULL, author TEXT NOT NULL, caption TEXT NOT NULL, media TEXT NOT NULL, body_seq INTEGER NOT NULL,
        seq INTEGER NOT NULL, likes INTEGER NOT NULL, comments INTEGER NOT NULL, own_comments INTEGER NOT NULL,
        confirmed INTEGER NOT NULL, delivered INTEGER NOT NULL
      );
      CREATE TABLE likes (
        person TEXT PRIMARY KEY, liked INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL
      ) WITHOUT ROWID;
      -- Read in the order of seq by the outbox, and backwards for the newest likers.
      CREATE INDEX likes_by_seq ON likes (seq);
      CREATE TABLE comments (
        id TEXT PRIMARY KEY, author TEXT NOT NULL, text TEXT NOT NULL, seq INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX comments_by_seq ON comments (seq);
    `);
  },
  (sql) => {
    sql.exec(`
      CREATE TABLE idempotency_keys (
        person TEXT NOT NULL, key TEXT NOT NULL, comment TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (person, key)
      ) WITHOUT ROWID;
    `);
  },
];

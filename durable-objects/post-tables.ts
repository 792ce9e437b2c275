import type { CommentId, PersonId, PostId } from "../schema/ids.ts";
import { added, EMPTY } from "../schema/set-hash.ts";
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
  /** JSON of the SetHash of the people who like the post. */
  digest: string;
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
  (sql) => {
    sql.exec("ALTER TABLE post ADD COLUMN digest TEXT NOT NULL DEFAULT '[0,0,0]'");
    const likers = [...sql.exec<Pick<LikeRow, "person">>("SELECT person FROM likes WHERE liked = 1")];
    const digest = likers.reduce((set, { person }) => added(set, person), EMPTY);
    if (likers.length > 0) sql.exec("UPDATE post SET digest = ?", JSON.stringify(digest));
  },
];

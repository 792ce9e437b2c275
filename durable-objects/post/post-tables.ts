import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";
import type { RelayName } from "../../schema/live/live-relays.ts";
import type { CommentPolicy, PostBody } from "../../schema/posts.ts";
import { added, EMPTY, formatDigest, hashOf, type SetHash } from "../../schema/set-hash.ts";
import type { Migration } from "./migrate.ts";

/** The single row of `post`, as PostRecord keeps it in memory: the published content and the present state. */
export type PostRow = {
  id: PostId;
  author: PersonId;
  caption: string;
  media: PostBody["media"];
  /** The `seq` of the last change to the caption. */
  body_seq: number;
  /** Grows with every change of the post, its likes and its comments. */
  seq: number;
  likes: number;
  /** The number of comments that everybody sees. */
  comments: number;
  /** How many of `comments` notify the author as comments: see `told` of CommentRow. */
  told_comments: number;
  /** The `seq` up to which D1 has confirmed everything. */
  confirmed: number;
  /** The `seq` up to which all notices are confirmed. */
  noticed: number;
  /** 1 once fan-out has confirmed that every follower's feed has the post. */
  delivered: number;
  /** The follower ranges that fan-out has confirmed so far: a bit for each. */
  served: number;
  /** The digest of the set of people who like the post. */
  digest: SetHash;
  /** The number of rows in `likes`: the people who like the post, or liked it once. */
  people: number;
  /** The `seq` of the last like or unlike. */
  likes_seq: number;
  /** The people who like it, without the author, whose first like is the most recent; the newest one last. */
  newest: NewLiker[];
  /** 1 while there may be likes above the saved `seq`. */
  unsaved: number;
  /** When the caption was last changed, in ms since 1970. */
  edited_at: number | null;
  policy: CommentPolicy;
  pinned: CommentId | null;
  /** 1 once the post is deleted; never 0 again. */
  deleted: number;
  /** 1 while a moderator has taken the post down. */
  taken_down: number;
  /** The version of the case that decided `taken_down`. */
  moderation: number;
};

/** A person who likes or liked the post. The row stays after an unlike, because the unlike must still reach D1. */
export type LikeRow = {
  person: PersonId;
  liked: number;
  seq: number;
  /** When they liked it for the first time, in ms since 1970. */
  at: number;
  /** The position among all people by first like, from 1; 0 for a like from before this was counted. */
  nth: number;
  /** `liked` at the post's saved `seq`; NULL for a person who had no row then. */
  was: number | null;
};
export type NewLiker = Pick<LikeRow, "person" | "nth" | "seq">;

export type CommentRow = {
  id: CommentId;
  author: PersonId;
  text: string;
  seq: number;
  /** The comment whose thread this one is in; "" for one on the post itself. There is no third level. */
  parent: CommentId | "";
  /** The person that a reply is addressed to. */
  reply_to: PersonId | null;
  likes: number;
  /** How many people have ever liked it, without its author. */
  likers: number;
  /** The number of replies that everybody sees, for a comment on the post itself. */
  replies: number;
  /** How many of `replies` notify the post's author as comments. */
  told_replies: number;
  /** The number of replies that only the post's author sees. */
  hidden_replies: number;
  state: 0 | 1 | 2;
  /** The `seq` of the last change of `state`; 0 if it never changed. */
  state_seq: number;
  /** The `seq` of the last change of `text`; 0 if that was before this column existed. */
  text_seq: number;
  edited_at: number | null;
  /** 1 if it notifies the post's author as a comment: not if it is their own, replies to them or mentions them. */
  told: 0 | 1;
  /** JSON: the people it mentions, but not its author or `reply_to`. The caption has only rows in `mentions`. */
  mentions: string;
  /** Who hides it, as a sum of HIDDEN_BY; 0 unless it is hidden. */
  hidden_by: number;
  /** The version of the case that decided whether moderators hide it. */
  moderation: number;
};
/** A comment is hidden while anybody hides it. Each lifts only what is theirs to lift. */
export const HIDDEN_BY = { author: 1, moderators: 2, held: 4, review: 8 } as const;
/** The values of `state`. A comment that is gone has no text any more. */
export const SHOWN = 0;
export const HIDDEN = 1;
export const GONE = 2;

export type CommentLikeRow = {
  comment: CommentId;
  person: PersonId;
  liked: number;
  seq: number;
  /** Like LikeRow.nth, but without the comment's author in the count. */
  nth: number;
};

/** A comment that a person has made under an Idempotency-Key, and the digest of the request. */
export type KeyRow = { person: PersonId; key: string; comment: CommentId; at: number; request: string };

/** A LiveRelay whose sockets watch the post. `failing_since`: since when calls to it fail, in ms since 1970. */
export type RelayRow = { relay: RelayName; failing_since: number | null };

/** An earlier caption; `seq` and `at` belong to the change that introduced it. */
export type CaptionRow = { seq: number; caption: string; at: number };

/**
 * The tables of a new post's actor: what all steps of `migrations` together make. One statement creates them, because
 * an actor that has run the steps keeps 400 kB of memory for them until it is evicted, and takes milliseconds longer.
 */
export const TABLES = `
  CREATE TABLE post (
    id TEXT NOT NULL, author TEXT NOT NULL, caption TEXT NOT NULL, media TEXT NOT NULL, body_seq INTEGER NOT NULL,
    seq INTEGER NOT NULL, likes INTEGER NOT NULL, comments INTEGER NOT NULL, confirmed INTEGER NOT NULL,
    delivered INTEGER NOT NULL, digest TEXT NOT NULL DEFAULT '[0,0,0]', people INTEGER NOT NULL DEFAULT 0,
    likes_seq INTEGER NOT NULL DEFAULT 0, newest TEXT NOT NULL DEFAULT '[]', unsaved INTEGER NOT NULL DEFAULT 0,
    edited_at INTEGER, policy TEXT NOT NULL DEFAULT 'everyone', pinned TEXT, deleted INTEGER NOT NULL DEFAULT 0,
    served INTEGER NOT NULL DEFAULT 0, noticed INTEGER NOT NULL DEFAULT 0, told_comments INTEGER NOT NULL DEFAULT 0,
    taken_down INTEGER NOT NULL DEFAULT 0, moderation INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE likes (
    person TEXT PRIMARY KEY, liked INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, was INTEGER,
    nth INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  CREATE TABLE comments (
    id TEXT PRIMARY KEY, author TEXT NOT NULL, text TEXT NOT NULL, seq INTEGER NOT NULL,
    parent TEXT NOT NULL DEFAULT '', reply_to TEXT, likes INTEGER NOT NULL DEFAULT 0,
    replies INTEGER NOT NULL DEFAULT 0, hidden_replies INTEGER NOT NULL DEFAULT 0, state INTEGER NOT NULL DEFAULT 0,
    edited_at INTEGER, likers INTEGER NOT NULL DEFAULT 0, told_replies INTEGER NOT NULL DEFAULT 0,
    state_seq INTEGER NOT NULL DEFAULT 0, text_seq INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 1,
    mentions TEXT NOT NULL DEFAULT '[]', hidden_by INTEGER NOT NULL DEFAULT 0, moderation INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  CREATE INDEX comments_by_seq ON comments (seq);
  CREATE INDEX comments_by_parent ON comments (parent, id) WHERE state < 2;
  CREATE TABLE comment_likes (
    comment TEXT NOT NULL, person TEXT NOT NULL, liked INTEGER NOT NULL, seq INTEGER NOT NULL,
    nth INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (comment, person)
  ) WITHOUT ROWID;
  CREATE INDEX comment_likes_by_seq ON comment_likes (seq);
  CREATE TABLE idempotency_keys (
    person TEXT NOT NULL, key TEXT NOT NULL, comment TEXT NOT NULL, at INTEGER NOT NULL,
    request TEXT NOT NULL DEFAULT '', PRIMARY KEY (person, key)
  ) WITHOUT ROWID;
  CREATE TABLE captions (seq INTEGER PRIMARY KEY, caption TEXT NOT NULL, at INTEGER NOT NULL);
  CREATE TABLE mentions (person TEXT NOT NULL, comment TEXT NOT NULL, PRIMARY KEY (person, comment)) WITHOUT ROWID;
  CREATE TABLE relays (relay TEXT PRIMARY KEY, failing_since INTEGER) WITHOUT ROWID`;

/** The steps that bring the tables of an actor with an earlier version to TABLES. */
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
  // A like writes only its own row: there is no index, and the post's row is saved only now and then. See like-set.ts.
  (sql) => {
    sql.exec(`
      DROP INDEX likes_by_seq;
      ALTER TABLE likes ADD COLUMN was INTEGER;
      UPDATE likes SET was = liked;
      ALTER TABLE post ADD COLUMN people INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE post ADD COLUMN likes_seq INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE post ADD COLUMN newest TEXT NOT NULL DEFAULT '[]';
      ALTER TABLE post ADD COLUMN unsaved INTEGER NOT NULL DEFAULT 0;
      UPDATE post SET people = (SELECT count(*) FROM likes), likes_seq = (SELECT coalesce(max(seq), 0) FROM likes),
        newest = (SELECT json_group_array(json_object('person', person, 'seq', seq, 'at', at) ORDER BY seq) FROM
          (SELECT person, seq, at FROM likes WHERE liked = 1 AND person <> post.author ORDER BY seq DESC LIMIT 16));
    `);
  },
  (sql) => {
    sql.exec(`
      ALTER TABLE post ADD COLUMN edited_at INTEGER;
      ALTER TABLE post ADD COLUMN policy TEXT NOT NULL DEFAULT 'everyone';
      ALTER TABLE post ADD COLUMN pinned TEXT;
      ALTER TABLE post ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE captions (seq INTEGER PRIMARY KEY, caption TEXT NOT NULL, at INTEGER NOT NULL);
      ALTER TABLE comments ADD COLUMN parent TEXT NOT NULL DEFAULT '';
      ALTER TABLE comments ADD COLUMN reply_to TEXT;
      ALTER TABLE comments ADD COLUMN likes INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN replies INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN own_replies INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN hidden_replies INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN edited_at INTEGER;
      -- For pages of a thread, in either direction, without comments that are gone.
      CREATE INDEX comments_by_parent ON comments (parent, id) WHERE state < 2;
      CREATE TABLE comment_likes (
        comment TEXT NOT NULL, person TEXT NOT NULL, liked INTEGER NOT NULL, seq INTEGER NOT NULL,
        PRIMARY KEY (comment, person)
      ) WITHOUT ROWID;
      CREATE INDEX comment_likes_by_seq ON comment_likes (seq);
      ALTER TABLE idempotency_keys ADD COLUMN request TEXT NOT NULL DEFAULT '';
    `);
    const made = "SELECT comments.id, text FROM idempotency_keys JOIN comments ON comments.id = comment";
    for (const { id, text } of sql.exec<Pick<CommentRow, "id" | "text">>(made).toArray()) {
      const request = formatDigest(hashOf(JSON.stringify([text, null])));
      sql.exec("UPDATE idempotency_keys SET request = ? WHERE comment = ?", request, id);
    }
  },
  (sql) => {
    sql.exec("ALTER TABLE post ADD COLUMN served INTEGER NOT NULL DEFAULT 0");
  },
  (sql) => {
    sql.exec(`
      ALTER TABLE post ADD COLUMN noticed INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE post ADD COLUMN told_comments INTEGER NOT NULL DEFAULT 0;
      UPDATE post SET noticed = confirmed, told_comments = comments - own_comments,
        newest = (SELECT json_group_array(json_object(
          'person', value ->> 'person', 'nth', 0, 'seq', value ->> 'seq')) FROM json_each(newest));
      ALTER TABLE post DROP COLUMN own_comments;
      ALTER TABLE likes ADD COLUMN nth INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN likers INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN told_replies INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN state_seq INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN text_seq INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN told INTEGER NOT NULL DEFAULT 1;
      ALTER TABLE comments ADD COLUMN mentions TEXT NOT NULL DEFAULT '[]';
      UPDATE comments SET likers = likes WHERE likes > 0;
      UPDATE comments SET told_replies = replies - own_replies WHERE replies > 0;
      UPDATE comments SET told = 0 WHERE author = (SELECT author FROM post);
      ALTER TABLE comments DROP COLUMN own_replies;
      ALTER TABLE comment_likes ADD COLUMN nth INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE mentions (person TEXT NOT NULL, comment TEXT NOT NULL, PRIMARY KEY (person, comment)) WITHOUT ROWID;
    `);
  },
  (sql) => {
    sql.exec("CREATE TABLE relays (relay TEXT PRIMARY KEY, failing_since INTEGER) WITHOUT ROWID");
  },
  (sql) => {
    sql.exec(`
      ALTER TABLE post ADD COLUMN taken_down INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE post ADD COLUMN moderation INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN hidden_by INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE comments ADD COLUMN moderation INTEGER NOT NULL DEFAULT 0;
      UPDATE comments SET hidden_by = ${HIDDEN_BY.author} WHERE state = ${HIDDEN};
    `);
  },
];

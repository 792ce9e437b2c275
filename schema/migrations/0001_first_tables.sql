-- Every table is WITHOUT ROWID: with a text key this writes one row instead of two.

CREATE TABLE people (
  id TEXT PRIMARY KEY,
  handle TEXT NOT NULL,
  name TEXT NOT NULL,
  bio TEXT NOT NULL DEFAULT '',
  posts INTEGER NOT NULL DEFAULT 0,
  followers INTEGER NOT NULL DEFAULT 0,
  following INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE handles (
  handle TEXT PRIMARY KEY,
  person TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE credentials (
  person TEXT PRIMARY KEY,
  password TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE following (
  follower TEXT NOT NULL,
  followee TEXT NOT NULL,
  active INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (follower, followee)
) WITHOUT ROWID;

CREATE TABLE followers (
  followee TEXT NOT NULL,
  follower_shard INTEGER NOT NULL,
  follower TEXT NOT NULL,
  active INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (followee, follower_shard, follower)
) WITHOUT ROWID;

CREATE TABLE notifications (
  recipient TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  actors TEXT NOT NULL,
  count INTEGER NOT NULL,
  excerpt TEXT,
  raised INTEGER NOT NULL,
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  unread INTEGER NOT NULL,
  PRIMARY KEY (recipient, kind, subject)
) WITHOUT ROWID;
CREATE INDEX notifications_by_time ON notifications (recipient, at);

CREATE TABLE effects (
  id TEXT PRIMARY KEY,
  body TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE posts (
  id TEXT PRIMARY KEY,
  author TEXT NOT NULL,
  caption TEXT NOT NULL,
  media TEXT NOT NULL,
  seq INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX posts_by_author ON posts (author, id);

CREATE TABLE post_stats (
  post TEXT PRIMARY KEY,
  likes INTEGER NOT NULL,
  comments INTEGER NOT NULL,
  seq INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE comments (
  post TEXT NOT NULL,
  id TEXT NOT NULL,
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (post, id)
) WITHOUT ROWID;

CREATE TABLE likes (
  person TEXT NOT NULL,
  post TEXT NOT NULL,
  liked INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (person, post)
) WITHOUT ROWID;

CREATE TABLE feed (
  reader TEXT NOT NULL,
  post TEXT NOT NULL,
  author TEXT NOT NULL,
  PRIMARY KEY (reader, post)
) WITHOUT ROWID;

CREATE TABLE media (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  state TEXT NOT NULL,
  content_type TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  alt TEXT NOT NULL DEFAULT '',
  width INTEGER,
  height INTEGER,
  orientation INTEGER,
  taken_at TEXT,
  camera TEXT,
  rejection TEXT
) WITHOUT ROWID;
CREATE INDEX media_uploading ON media (id) WHERE state = 'uploading';

-- The counts of a profile change in the same transaction as the rows they count, so they are exact.

CREATE TRIGGER following_added AFTER INSERT ON following WHEN new.active BEGIN
  UPDATE people SET following = following + 1 WHERE id = new.follower;
END;
CREATE TRIGGER following_changed AFTER UPDATE OF active ON following WHEN new.active <> old.active BEGIN
  UPDATE people SET following = following + new.active - old.active WHERE id = new.follower;
END;
CREATE TRIGGER followers_added AFTER INSERT ON followers WHEN new.active BEGIN
  UPDATE people SET followers = followers + 1 WHERE id = new.followee;
END;
CREATE TRIGGER followers_changed AFTER UPDATE OF active ON followers WHEN new.active <> old.active BEGIN
  UPDATE people SET followers = followers + new.active - old.active WHERE id = new.followee;
END;
CREATE TRIGGER posts_added AFTER INSERT ON posts BEGIN
  UPDATE people SET posts = posts + 1 WHERE id = new.author;
END;

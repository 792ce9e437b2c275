-- An entry is unread while something has been raised that its recipient has not seen. Both only grow, so the order in which
-- messages and readers come does not matter. `post`: what it is about, where its subject is a comment. `pushed`: up to where
-- the recipient's devices have been told, and when.
CREATE TABLE entries (
  recipient TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  post TEXT,
  actors TEXT NOT NULL,
  count INTEGER NOT NULL,
  excerpt TEXT,
  version INTEGER NOT NULL,
  raised INTEGER NOT NULL,
  seen INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL,
  pushed INTEGER NOT NULL DEFAULT 0,
  pushed_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (recipient, kind, subject)
) WITHOUT ROWID;
-- What was raised is counted in other units from now on: comments by their time, all others from 2 on.
INSERT INTO entries
SELECT recipient, kind, subject, iif(kind = 'follow', NULL, subject), actors, count, excerpt, version,
  iif(kind = 'comment', at, 1), iif(unread, 0, iif(kind = 'comment', at, 1)), at, iif(kind = 'comment', at, 1), at
FROM notifications WHERE raised > 0;
DROP TABLE notifications;
ALTER TABLE entries RENAME TO notifications;
-- The inbox is read in the order of time, and its unread entries are counted.
CREATE INDEX notifications_by_time ON notifications (recipient, at) WHERE count > 0 AND raised > 0;
CREATE INDEX notifications_unread ON notifications (recipient, at) WHERE count > 0 AND raised > seen;

-- By whom a person wants to be told of what, and whether on their devices. Without a row: by everyone, and there too.
CREATE TABLE notification_preferences (
  person TEXT NOT NULL,
  kind TEXT NOT NULL,
  who TEXT NOT NULL,
  push INTEGER NOT NULL,
  PRIMARY KEY (person, kind)
) WITHOUT ROWID;

-- When a person's devices stay silent: minutes of their day, in their time zone. The first may be the later one.
CREATE TABLE quiet_hours (
  person TEXT NOT NULL PRIMARY KEY,
  from_minute INTEGER NOT NULL,
  to_minute INTEGER NOT NULL,
  time_zone TEXT NOT NULL
) WITHOUT ROWID;

-- Of whom, and of which posts, a person wants to hear nothing.
CREATE TABLE mutes (
  person TEXT NOT NULL,
  other TEXT NOT NULL,
  PRIMARY KEY (person, other)
) WITHOUT ROWID;
CREATE TABLE muted_posts (
  person TEXT NOT NULL,
  post TEXT NOT NULL,
  PRIMARY KEY (person, post)
) WITHOUT ROWID;

-- Of whose new posts a follower wants to be told, and the mirror of it.
ALTER TABLE following ADD COLUMN bell INTEGER NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN bell INTEGER NOT NULL DEFAULT 0;
-- A large author's posts go to nobody's feed, but to these.
CREATE INDEX followers_bell ON followers (followee, follower_shard, follower) WHERE bell = 1 AND active = 1;

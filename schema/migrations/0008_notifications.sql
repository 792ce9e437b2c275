-- A notification is unread while `raised` is above `seen`. Both only grow, so the order of messages and reads does not
-- matter. `post`: the post it is about if its subject is a comment. `pushed`: the value of `raised` at the last push to
-- the recipient's devices; `pushed_at`: when that was.
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
-- From now on `raised` has different units: the time for comments, and numbers from 2 for all others.
INSERT INTO entries
SELECT recipient, kind, subject, iif(kind = 'follow', NULL, subject), actors, count, excerpt, version,
  iif(kind = 'comment', at, 1), iif(unread, 0, iif(kind = 'comment', at, 1)), at, iif(kind = 'comment', at, 1), at
FROM notifications WHERE raised > 0;
DROP TABLE notifications;
ALTER TABLE entries RENAME TO notifications;
-- The inbox is read in order of time, and its unread notifications are counted.
CREATE INDEX notifications_by_time ON notifications (recipient, at) WHERE count > 0 AND raised > 0;
CREATE INDEX notifications_unread ON notifications (recipient, at) WHERE count > 0 AND raised > seen;

-- Whose actions notify a person, by kind, and whether with a push. Without a row, everyone notifies, and pushes are on.
CREATE TABLE notification_preferences (
  person TEXT NOT NULL,
  kind TEXT NOT NULL,
  who TEXT NOT NULL,
  push INTEGER NOT NULL,
  PRIMARY KEY (person, kind)
) WITHOUT ROWID;

-- When nothing is pushed to a person: minutes of the day in their time zone. `from_minute` may be after `to_minute`.
CREATE TABLE quiet_hours (
  person TEXT NOT NULL PRIMARY KEY,
  from_minute INTEGER NOT NULL,
  to_minute INTEGER NOT NULL,
  time_zone TEXT NOT NULL
) WITHOUT ROWID;

-- The people and posts that a person has muted.
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

-- Whether a follower is notified of each new post, and the mirror of that.
ALTER TABLE following ADD COLUMN bell INTEGER NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN bell INTEGER NOT NULL DEFAULT 0;
-- A large author's fan-out serves only these followers.
CREATE INDEX followers_bell ON followers (followee, follower_shard, follower) WHERE bell = 1 AND active = 1;

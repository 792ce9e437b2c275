-- Both tables belong to the operator and to no shard, and are used in the database DB only, like shard_moves.

-- Dead letters. The body is the last column, so that queries of many rows read no body. Ids are never reused, so that
-- nobody discards a different dead letter from the one they looked at.
CREATE TABLE dead_letters (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  subject TEXT NOT NULL,
  reason TEXT,
  attempts INTEGER NOT NULL,
  deaths INTEGER NOT NULL,
  replays INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  replayed_at INTEGER,
  bytes INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX dead_letters_by_subject ON dead_letters (queue, subject);
CREATE INDEX dead_letters_replayed ON dead_letters (replayed_at) WHERE replayed_at IS NOT NULL;

-- The Worker's counts for each minute of the last day.
CREATE TABLE measures (
  minute INTEGER NOT NULL,
  name TEXT NOT NULL,
  count INTEGER NOT NULL,
  total INTEGER NOT NULL,
  most INTEGER NOT NULL,
  PRIMARY KEY (minute, name)
) WITHOUT ROWID;

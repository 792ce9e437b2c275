-- In the database DB alone, as shard_moves: both tables are the operator's and belong to no shard.

-- Messages that were given up on. The body is last, so that what looks at many rows reads no body. A number is never given
-- twice, so that nobody discards another letter than they have looked at.
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

-- What the Worker has counted in each minute of the last day.
CREATE TABLE measures (
  minute INTEGER NOT NULL,
  name TEXT NOT NULL,
  count INTEGER NOT NULL,
  total INTEGER NOT NULL,
  most INTEGER NOT NULL,
  PRIMARY KEY (minute, name)
) WITHOUT ROWID;

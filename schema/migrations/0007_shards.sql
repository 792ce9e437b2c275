-- Moves of logical shards between databases (workers/shards). Every database has these tables; all are empty until a
-- move.

-- All moves, in the database DB only. The published ones are part of the shard map.
CREATE TABLE shard_moves (
  id INTEGER NOT NULL PRIMARY KEY,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  phase TEXT NOT NULL,
  place TEXT NOT NULL,
  moved INTEGER NOT NULL,
  published_at INTEGER,
  reason TEXT
);

-- The shards whose rows this database refuses to change, because another database has or will have them.
CREATE TABLE closed_shards (
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (first, last)
) WITHOUT ROWID;

-- The moves in which this database takes part. Only the step in `holder` may write for one; `noting`: changes are
-- noted.
CREATE TABLE moving_shards (
  move INTEGER NOT NULL PRIMARY KEY,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  phase INTEGER NOT NULL,
  holder TEXT NOT NULL,
  noting INTEGER NOT NULL,
  settled TEXT NOT NULL
);

-- The keys of rows that change while they are copied, in the order of the changes. Numbers are never reused.
CREATE TABLE noted_changes (
  seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  key TEXT NOT NULL
);

-- Has a row only inside the mover's own transactions. What it copies and deletes is not new, so no trigger counts it.
CREATE TABLE mover (
  holder TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;

DROP TRIGGER following_added;
DROP TRIGGER following_changed;
DROP TRIGGER followers_added;
DROP TRIGGER followers_changed;
DROP TRIGGER posts_added;
DROP TRIGGER posts_removed;

CREATE TRIGGER following_added AFTER INSERT ON following
WHEN new.active AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET following = following + 1 WHERE id = new.follower;
END;
CREATE TRIGGER following_changed AFTER UPDATE OF active ON following
WHEN new.active <> old.active AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET following = following + new.active - old.active WHERE id = new.follower;
END;
CREATE TRIGGER followers_added AFTER INSERT ON followers
WHEN new.active AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET followers = followers + 1 WHERE id = new.followee;
END;
CREATE TRIGGER followers_changed AFTER UPDATE OF active ON followers
WHEN new.active <> old.active AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET followers = followers + new.active - old.active WHERE id = new.followee;
END;
CREATE TRIGGER posts_added AFTER INSERT ON posts
WHEN NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET posts = posts + 1 WHERE id = new.author;
END;
CREATE TRIGGER posts_removed AFTER DELETE ON posts
WHEN NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET posts = posts - 1 WHERE id = old.author;
END;

-- Whose posts are for accepted followers alone, and how many have asked to be one and wait for an answer.
ALTER TABLE people ADD COLUMN private INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN requests INTEGER NOT NULL DEFAULT 0;

-- A request is a row that is not active. `asked` numbers what the follower has asked for: it stays when that is accepted, and
-- an answer is one to it alone. `since`: when they asked, in milliseconds since 1970.
ALTER TABLE following ADD COLUMN requested INTEGER NOT NULL DEFAULT 0;
ALTER TABLE following ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE following ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
-- A person's open requests are counted before another one.
CREATE INDEX following_requested ON following (follower, followee) WHERE requested = 1;

-- The mirror of both, and what only the followee knows: to which `asked` they have answered, and what; which notification
-- counts the follow; and when the two have last raised one, in milliseconds since 1970.
ALTER TABLE followers ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN answered INTEGER NOT NULL DEFAULT -1;
ALTER TABLE followers ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN told_in TEXT;
ALTER TABLE followers ADD COLUMN told_at INTEGER NOT NULL DEFAULT 0;
-- Open requests are listed newest first; so are the newest followers whom a notification names.
CREATE INDEX followers_pending ON followers (followee, since, follower) WHERE pending = 1;
CREATE INDEX followers_told ON followers (followee, told_in, since) WHERE told_in IS NOT NULL;

CREATE TRIGGER requests_added AFTER INSERT ON followers
WHEN new.pending AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET requests = requests + 1 WHERE id = new.followee;
END;
CREATE TRIGGER requests_changed AFTER UPDATE OF pending ON followers
WHEN new.pending <> old.pending AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET requests = requests + new.pending - old.pending WHERE id = new.followee;
END;

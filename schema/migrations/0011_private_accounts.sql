-- Whether only approved followers may see a person's posts, and the number of open follow requests.
ALTER TABLE people ADD COLUMN private INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN requests INTEGER NOT NULL DEFAULT 0;

-- A request is an inactive row. `asked` numbers the requests: it stays when one is accepted, and a decision refers to
-- one number. `since`: when they asked, in ms since 1970.
ALTER TABLE following ADD COLUMN requested INTEGER NOT NULL DEFAULT 0;
ALTER TABLE following ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE following ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
-- A person's open requests are counted before a new one.
CREATE INDEX following_requested ON following (follower, followee) WHERE requested = 1;

-- The mirror of both, and what only the followee's side knows: the `asked` of the latest decision, and the decision;
-- which notification counts the follow; and when the follow last raised one, in ms since 1970.
ALTER TABLE followers ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN answered INTEGER NOT NULL DEFAULT -1;
ALTER TABLE followers ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN told_in TEXT;
ALTER TABLE followers ADD COLUMN told_at INTEGER NOT NULL DEFAULT 0;
-- Open requests are listed newest first, and a notification names the newest followers first.
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

-- How an author's posts reach their readers (workers/feeds/large-authors.ts), and when a reader was last seen.
-- Existing people count as seen today, because their feeds are complete. People who sign up with a Worker that does not
-- know the column yet count as never seen, so their feed is rebuilt when they first read it.
ALTER TABLE people ADD COLUMN reach TEXT NOT NULL DEFAULT 'pushed';
ALTER TABLE people ADD COLUMN seen_day INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN rebuilding INTEGER NOT NULL DEFAULT 0;
UPDATE people SET seen_day = unixepoch() / 86400;

ALTER TABLE following ADD COLUMN merged INTEGER NOT NULL DEFAULT 0;
-- With it, finding the large authors that a reader follows reads only their rows.
CREATE INDEX following_merged ON following (follower, followee) WHERE merged = 1 AND active = 1;

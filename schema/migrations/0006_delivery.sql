-- How an author's posts get to their readers (workers/delivery/large-authors.ts), and when a reader was last there. Whoever
-- is here already counts as seen today: their feeds are whole. Whoever signs up with a Worker that does not know the column
-- yet counts as never seen, so their feed is rebuilt when they first read it.
ALTER TABLE people ADD COLUMN reach TEXT NOT NULL DEFAULT 'pushed';
ALTER TABLE people ADD COLUMN seen_day INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN rebuilding INTEGER NOT NULL DEFAULT 0;
UPDATE people SET seen_day = unixepoch() / 86400;

ALTER TABLE following ADD COLUMN merged INTEGER NOT NULL DEFAULT 0;
-- So that a reader's look for the large authors they follow reads those alone.
CREATE INDEX following_merged ON following (follower, followee) WHERE merged = 1 AND active = 1;

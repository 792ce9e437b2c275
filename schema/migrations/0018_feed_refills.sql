-- The entries that have left a feed since it was last full, and the effect of the refill that is wanted, if one is
-- (workers/feeds/refill.ts).
ALTER TABLE people ADD COLUMN feed_gaps INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN refill TEXT;
ALTER TABLE people ADD COLUMN refill_begun INTEGER NOT NULL DEFAULT 0;
-- Existing feeds were not bounded by author. Each is rebuilt at its reader's next read.
UPDATE people SET rebuilding = 1;

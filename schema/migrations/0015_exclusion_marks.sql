-- JSON: for each database, the bookmark from which on it knows who is excluded from this person's audience.
ALTER TABLE people ADD COLUMN exclusion_marks TEXT NOT NULL DEFAULT '{}';

-- The bookmark of a move's target once it had all rows: no older replica of it may answer for them.
ALTER TABLE shard_moves ADD COLUMN bookmark TEXT;

-- The file that a person shows as their profile picture; NULL for none.
ALTER TABLE people ADD COLUMN picture TEXT;
-- Size of the squares that were made of a file for a profile picture. It is part of derived_bytes.
ALTER TABLE media ADD COLUMN square_bytes INTEGER NOT NULL DEFAULT 0;

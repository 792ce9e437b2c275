-- Up to which `seq` of a post D1 has all notices: its actor asks D1, as for `projected`.
ALTER TABLE post_stats ADD COLUMN noticed INTEGER NOT NULL DEFAULT 0;

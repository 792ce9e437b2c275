-- Size of what was made of a file at its inspection: renditions, and the served copy of a video.
ALTER TABLE media ADD COLUMN derived_bytes INTEGER NOT NULL DEFAULT 0;

-- It counts to the quota, like the file itself.
CREATE TRIGGER derived_changed AFTER UPDATE OF derived_bytes ON media
WHEN new.derived_bytes <> old.derived_bytes AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET media_bytes = media_bytes + new.derived_bytes - old.derived_bytes WHERE id = new.owner;
END;
CREATE TRIGGER derived_removed AFTER DELETE ON media
WHEN old.derived_bytes <> 0 AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET media_bytes = media_bytes - old.derived_bytes WHERE id = old.owner;
END;

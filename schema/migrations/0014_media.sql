-- The results of an inspection are one document, because no query needs just a part of it.
ALTER TABLE media ADD COLUMN details TEXT;
UPDATE media SET details = json_patch('{}', json_object('orientation', orientation, 'takenAt', taken_at, 'camera', camera))
WHERE state = 'ready';
ALTER TABLE media DROP COLUMN orientation;
ALTER TABLE media DROP COLUMN taken_at;
ALTER TABLE media DROP COLUMN camera;

-- The post of the latest claim on a file, and its time. A file that no post shows may go once its claim is an hour old.
ALTER TABLE media ADD COLUMN claimed_by TEXT;
ALTER TABLE media ADD COLUMN claimed_at INTEGER;
-- Joins from the posts to their files, because no index leads from a file to its posts.
WITH shown AS MATERIALIZED (
  SELECT file.value ->> 'id' AS media, posts.id AS post, posts.author FROM posts, json_each(posts.media) AS file
)
UPDATE media SET claimed_by = shown.post FROM shown WHERE media.id = shown.media AND media.owner = shown.author;
-- When to check whether the file is still needed; NULL for never, because a post shows it.
ALTER TABLE media ADD COLUMN look_at INTEGER;
UPDATE media SET look_at = unixepoch() * 1000 + 86400000 WHERE claimed_by IS NULL;
DROP INDEX media_uploading;
CREATE INDEX media_to_look_at ON media (look_at) WHERE look_at IS NOT NULL;

-- Each new upload counts the person's unfinished ones.
CREATE INDEX media_uploading ON media (owner) WHERE state = 'uploading';

-- Size of a video's poster.
ALTER TABLE media ADD COLUMN poster_bytes INTEGER NOT NULL DEFAULT 0;

-- Total size of a person's uploads, including those under way. Kept in the same transaction, for the quota.
ALTER TABLE people ADD COLUMN media_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE people SET media_bytes = mine.bytes
FROM (SELECT owner, sum(bytes) AS bytes FROM media GROUP BY owner) AS mine WHERE people.id = mine.owner;
CREATE TRIGGER media_added AFTER INSERT ON media WHEN NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET media_bytes = media_bytes + new.bytes + new.poster_bytes WHERE id = new.owner;
END;
CREATE TRIGGER poster_changed AFTER UPDATE OF poster_bytes ON media
WHEN new.poster_bytes <> old.poster_bytes AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET media_bytes = media_bytes + new.poster_bytes - old.poster_bytes WHERE id = new.owner;
END;
CREATE TRIGGER media_removed AFTER DELETE ON media WHEN NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE people SET media_bytes = media_bytes - old.bytes - old.poster_bytes WHERE id = old.owner;
END;

-- Keys of this deployment, generated on first use. In DB only.
CREATE TABLE secrets (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

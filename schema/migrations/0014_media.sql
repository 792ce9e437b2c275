-- What inspection finds in a file is one document, because no query asks for a part of it.
ALTER TABLE media ADD COLUMN details TEXT;
UPDATE media SET details = json_patch('{}', json_object('orientation', orientation, 'takenAt', taken_at, 'camera', camera))
WHERE state = 'ready';
ALTER TABLE media DROP COLUMN orientation;
ALTER TABLE media DROP COLUMN taken_at;
ALTER TABLE media DROP COLUMN camera;

-- The post that a file was published with last, and when. What nobody has claimed for an hour, and no post shows, may go.
ALTER TABLE media ADD COLUMN claimed_by TEXT;
ALTER TABLE media ADD COLUMN claimed_at INTEGER;
-- From the posts to their files, because no index leads from a file to its posts.
WITH shown AS MATERIALIZED (
  SELECT file.value ->> 'id' AS media, posts.id AS post, posts.author FROM posts, json_each(posts.media) AS file
)
UPDATE media SET claimed_by = shown.post FROM shown WHERE media.id = shown.media AND media.owner = shown.author;
-- When it is to be seen whether the file is still wanted; NULL for never again, because a post shows it.
ALTER TABLE media ADD COLUMN look_at INTEGER;
UPDATE media SET look_at = unixepoch() * 1000 + 86400000 WHERE claimed_by IS NULL;
DROP INDEX media_uploading;
CREATE INDEX media_to_look_at ON media (look_at) WHERE look_at IS NOT NULL;

-- How many uploads a person has under way, whenever they begin another one.
CREATE INDEX media_uploading ON media (owner) WHERE state = 'uploading';

-- Of the picture that stands for a video.
ALTER TABLE media ADD COLUMN poster_bytes INTEGER NOT NULL DEFAULT 0;

-- How many bytes a person's uploads have, with those still under way: their quota counts from here, in the same transaction.
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

-- Keys of this deployment, made when they are first needed. In DB alone.
CREATE TABLE secrets (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

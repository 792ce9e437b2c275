-- How far a post is projected without a gap, and the rest of its standing. The row of a deleted post stays.
ALTER TABLE post_stats ADD COLUMN projected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE post_stats ADD COLUMN body_seq INTEGER NOT NULL DEFAULT 1;
ALTER TABLE post_stats ADD COLUMN policy TEXT NOT NULL DEFAULT 'everyone';
ALTER TABLE post_stats ADD COLUMN pinned TEXT;
ALTER TABLE post_stats ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE post_stats ADD COLUMN comments_up_to TEXT NOT NULL DEFAULT '';
UPDATE post_stats SET projected = seq,
  comments_up_to = coalesce((SELECT max(id) FROM comments WHERE comments.post = post_stats.post), '');

ALTER TABLE posts ADD COLUMN edited_at INTEGER;
CREATE TRIGGER posts_removed AFTER DELETE ON posts BEGIN
  UPDATE people SET posts = posts - 1 WHERE id = old.author;
END;

-- Threads with two levels. A page of a thread is stored together. `parent` is '' for a comment on the post itself.
CREATE TABLE threads (
  post TEXT NOT NULL,
  parent TEXT NOT NULL,
  id TEXT NOT NULL,
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  reply_to TEXT,
  likes INTEGER NOT NULL,
  replies INTEGER NOT NULL,
  hidden_replies INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL,
  edited_at INTEGER,
  seq INTEGER NOT NULL,
  PRIMARY KEY (post, parent, id)
) WITHOUT ROWID;
INSERT INTO threads SELECT post, '', id, author, text, NULL, 0, 0, 0, 'shown', NULL, seq FROM comments;
DROP TABLE comments;
ALTER TABLE threads RENAME TO comments;
CREATE INDEX comments_by_likes ON comments (post, parent, likes, id) WHERE state = 'shown';

CREATE TABLE comment_likes (
  person TEXT NOT NULL,
  comment TEXT NOT NULL,
  liked INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (person, comment)
) WITHOUT ROWID;

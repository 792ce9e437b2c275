-- For each post and database: how many of its people like the post, and the digest of that set (schema/set-hash.ts).
-- The projector updates it in the transaction that changes the likes, and the audit compares it with the post's actor.
CREATE TABLE like_digests (
  post TEXT PRIMARY KEY,
  likes INTEGER NOT NULL,
  a INTEGER NOT NULL,
  b INTEGER NOT NULL,
  c INTEGER NOT NULL
) WITHOUT ROWID;

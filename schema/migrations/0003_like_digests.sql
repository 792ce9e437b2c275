-- For each post and database: how many of its people like the post, and the digest of that set (schema/set-hash.ts).
-- Kept by the projector in the transaction that changes the likes, and compared with the post's actor by the audit.
CREATE TABLE like_digests (
  post TEXT PRIMARY KEY,
  likes INTEGER NOT NULL,
  a INTEGER NOT NULL,
  b INTEGER NOT NULL,
  c INTEGER NOT NULL
) WITHOUT ROWID;

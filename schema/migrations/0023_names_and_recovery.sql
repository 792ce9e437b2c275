-- Handles that look alike have one skeleton (UTS 39), and only one of them may exist. Has a row only for handles with a
-- character that another one may be taken for. In the shard of the skeleton's hash.
CREATE TABLE lookalikes (
  skeleton TEXT NOT NULL PRIMARY KEY,
  handle TEXT NOT NULL,
  person TEXT NOT NULL
) WITHOUT ROWID;

-- Secrets that replace a forgotten password, each once: recovery codes, and links that the operator issues. Only hashes.
-- `expires_at`: in ms since 1970; NULL for never.
CREATE TABLE recovery_secrets (
  person TEXT NOT NULL,
  hash TEXT NOT NULL,
  kind TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (person, hash)
) WITHOUT ROWID;

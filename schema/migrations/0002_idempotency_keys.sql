-- The post that a person's Idempotency-Key has created. In the person's shard; a key is deleted a day after its use.
CREATE TABLE idempotency_keys (
  person TEXT NOT NULL,
  key TEXT NOT NULL,
  post TEXT NOT NULL,
  PRIMARY KEY (person, key)
) WITHOUT ROWID;

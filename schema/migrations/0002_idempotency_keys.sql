-- Which post a person's Idempotency-Key has made. In the person's shard; a key is forgotten a day after it was used.
CREATE TABLE idempotency_keys (
  person TEXT NOT NULL,
  key TEXT NOT NULL,
  post TEXT NOT NULL,
  PRIMARY KEY (person, key)
) WITHOUT ROWID;

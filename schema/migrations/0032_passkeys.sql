-- Passkeys (WebAuthn credentials), in the person's shard. `id` is the credential's own id and `public_key` its COSE key, both
-- in base64url. Times are in ms since 1970; `used_at` is NULL for a passkey that was never used.
CREATE TABLE passkeys (
  person TEXT NOT NULL,
  id TEXT NOT NULL,
  public_key TEXT NOT NULL,
  sign_count INTEGER NOT NULL,
  name TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  used_at INTEGER,
  PRIMARY KEY (person, id)
) WITHOUT ROWID;
CREATE TRIGGER closed_passkeys AFTER INSERT ON passkeys
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;

-- When the newest challenge was issued that a passkey of the person has answered, in ms since 1970. Only later ones count.
ALTER TABLE credentials ADD COLUMN challenged_at INTEGER NOT NULL DEFAULT 0;

-- What a person sees of their sessions. `used_at` is written at most every six hours. `prior_hash`: the secret before the
-- last renewal, valid until the new one has been used; `renewed_at`: when that was. All times are in ms since 1970.
ALTER TABLE sessions ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT 'Unknown device';
ALTER TABLE sessions ADD COLUMN place TEXT;
ALTER TABLE sessions ADD COLUMN prior_hash TEXT;
ALTER TABLE sessions ADD COLUMN renewed_at INTEGER NOT NULL DEFAULT 0;
-- A person's sessions are listed, ended together and limited in number.
CREATE INDEX sessions_by_person ON sessions (person);

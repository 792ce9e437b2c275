-- Blocks as seen by `person`: `mine` is the fact, `theirs` the mirror of the other person's fact. Rows stay after an
-- unblock, because their versions order the copies that travel.
CREATE TABLE blocks (
  person TEXT NOT NULL,
  other TEXT NOT NULL,
  mine INTEGER NOT NULL,
  version INTEGER NOT NULL,
  theirs INTEGER NOT NULL,
  their_version INTEGER NOT NULL,
  PRIMARY KEY (person, other)
) WITHOUT ROWID;
-- With it, checking whether there is any block reads one row, however many former blocks there are.
CREATE INDEX blocks_active ON blocks (person, other) WHERE mine = 1 OR theirs = 1;

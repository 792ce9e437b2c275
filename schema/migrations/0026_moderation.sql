-- What a person may do beyond others, until when they are suspended (ms since 1970; 0: never), and whether a moderator has
-- closed the account, which hides it from everybody else.
ALTER TABLE people ADD COLUMN role TEXT NOT NULL DEFAULT 'none';
ALTER TABLE people ADD COLUMN suspended_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN barred INTEGER NOT NULL DEFAULT 0;

-- Whether a moderator has taken the post down.
ALTER TABLE post_stats ADD COLUMN taken_down INTEGER NOT NULL DEFAULT 0;

-- Who has reported what; in the shard of the subject, which is a post, a comment or a person.
CREATE TABLE reports (
  subject TEXT NOT NULL,
  reporter TEXT NOT NULL,
  reason TEXT NOT NULL,
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (subject, reporter)
) WITHOUT ROWID;
CREATE INDEX reports_by_time ON reports (at);
CREATE INDEX reports_by_reporter ON reports (reporter);

-- What moderators decide about, one row a subject, in its shard.
CREATE TABLE cases (
  subject TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  post TEXT,
  parent TEXT NOT NULL,
  person TEXT NOT NULL,
  content TEXT NOT NULL,
  reports INTEGER NOT NULL,
  opened_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  version INTEGER NOT NULL,
  open INTEGER NOT NULL,
  down INTEGER NOT NULL,
  sanction TEXT NOT NULL,
  until INTEGER,
  action TEXT,
  reason TEXT NOT NULL,
  decided_by TEXT,
  decided_at INTEGER,
  appeal TEXT,
  appealed_at INTEGER,
  answer TEXT
) WITHOUT ROWID;
CREATE INDEX cases_open ON cases (opened_at, subject) WHERE open = 1;
CREATE INDEX cases_by_person ON cases (person);
CREATE INDEX cases_settled ON cases (decided_at) WHERE open = 0 AND down = 0 AND sanction = 'none';

-- Copies of decisions, for the person concerned and in their shard.
CREATE TABLE decisions (
  person TEXT NOT NULL,
  subject TEXT NOT NULL,
  kind TEXT NOT NULL,
  post TEXT,
  excerpt TEXT NOT NULL,
  version INTEGER NOT NULL,
  down INTEGER NOT NULL,
  sanction TEXT NOT NULL,
  until INTEGER,
  action TEXT NOT NULL,
  reason TEXT NOT NULL,
  decided_at INTEGER NOT NULL,
  appeal TEXT,
  appealed_at INTEGER,
  answer TEXT,
  PRIMARY KEY (person, subject)
) WITHOUT ROWID;
CREATE INDEX decisions_settled ON decisions (decided_at) WHERE down = 0 AND sanction = 'none';

-- Every act of a moderator, in the shard of its subject. Rows are never changed, and are deleted after a year.
CREATE TABLE moderation_log (
  id TEXT NOT NULL PRIMARY KEY,
  actor TEXT,
  act TEXT NOT NULL,
  subject TEXT NOT NULL,
  person TEXT NOT NULL,
  reason TEXT NOT NULL,
  details TEXT NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER moderation_log_unchanged BEFORE UPDATE ON moderation_log WHEN NOT EXISTS (SELECT 1 FROM mover) BEGIN
  SELECT RAISE(ABORT, 'the log of moderation is only added to');
END;
CREATE TRIGGER moderation_log_kept BEFORE DELETE ON moderation_log
WHEN old.at > (unixepoch() - 31536000) * 1000 AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  SELECT RAISE(ABORT, 'the log of moderation is kept for a year');
END;

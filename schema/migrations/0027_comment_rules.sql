-- An author's rules for comments on their posts, as JSON: the people whose comments they alone see, and words.
ALTER TABLE people ADD COLUMN comment_rules TEXT NOT NULL DEFAULT '{}';

-- Words that moderators filter everywhere. In DB only.
CREATE TABLE site_filters (
  word TEXT NOT NULL PRIMARY KEY,
  action TEXT NOT NULL
) WITHOUT ROWID;

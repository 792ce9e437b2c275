-- The writer of a hidden comment goes on seeing it, among those that everybody sees.
CREATE INDEX comments_hidden ON comments (post, parent, author, id) WHERE state = 'hidden';

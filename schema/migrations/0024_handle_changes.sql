-- Until when a handle belongs to its person even if they have another one, in ms since 1970; NULL if it is theirs for as
-- long as they have it. Meanwhile a former handle leads to them, and nobody else can take it.
ALTER TABLE handles ADD COLUMN until INTEGER;
-- Former handles are released when their time is over.
CREATE INDEX handles_until ON handles (until) WHERE until IS NOT NULL;

-- When a person last changed their handle, in ms since 1970; 0 for never.
ALTER TABLE people ADD COLUMN handle_changed_at INTEGER NOT NULL DEFAULT 0;

-- When somebody whom the recipient follows last raised the notification, in ms since 1970; 0 if only others did.
-- Existing notifications count as raised by people whom the recipient follows.
ALTER TABLE notifications ADD COLUMN followed_at INTEGER NOT NULL DEFAULT 0;
UPDATE notifications SET followed_at = at;

-- A person's last pushes, newest first (workers/push/pace.ts). Kept here, because a flood of notifications would hide when
-- earlier ones were pushed.
ALTER TABLE people ADD COLUMN recent_pushes TEXT NOT NULL DEFAULT '[]';

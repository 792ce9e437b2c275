-- One index for the inbox instead of two, because every notification writes an entry into each.
DROP INDEX notifications_unread;
DROP INDEX notifications_by_time;
CREATE INDEX notifications_by_time ON notifications (recipient, raised > seen, at) WHERE count > 0 AND raised > 0;

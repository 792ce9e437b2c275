-- Where a person's browsers take pushes, as long as the session lasts that each was made in. `renewed_at`: when the browser
-- last said that it is so. `failing_since`: since when nothing sent there was taken; NULL when the last was.
CREATE TABLE push_subscriptions (
  person TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  p256dh TEXT NOT NULL,
  auth TEXT NOT NULL,
  session TEXT NOT NULL,
  renewed_at INTEGER NOT NULL,
  failing_since INTEGER,
  PRIMARY KEY (person, endpoint)
) WITHOUT ROWID;
-- Whoever subscribes asks whose the browser was before.
CREATE INDEX push_subscriptions_endpoint ON push_subscriptions (endpoint);

-- Until then a message waits in the queue that will push this entry: quiet hours, or too soon after the last push.
ALTER TABLE notifications ADD COLUMN push_held_until INTEGER NOT NULL DEFAULT 0;

-- The devices to which a person's notifications are pushed, each until the end of the session in which it was added.
-- `renewed_at`: when the browser last confirmed it. `failing_since`: since when every push has failed; NULL if the last
-- one was accepted.
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
-- Subscribing looks up the previous owner of the browser.
CREATE INDEX push_subscriptions_endpoint ON push_subscriptions (endpoint);

-- Until when a delayed message waits that will push this notification: quiet hours, or too soon after the last push.
ALTER TABLE notifications ADD COLUMN push_held_until INTEGER NOT NULL DEFAULT 0;

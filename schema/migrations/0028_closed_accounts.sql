-- People who have closed their accounts, in every database and forever. The triggers below keep out what still arrives
-- about them: a row of somebody else that names them is removed in the transaction that writes it; for a row of their
-- own, `late` grows, and workers/closing/sweeps.ts erases again.
CREATE TABLE closed_people (
  person TEXT PRIMARY KEY,
  late INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX closed_people_late ON closed_people (person) WHERE late > 0;

-- The erasing of one account, in the person's shard: what was counted before it, and what is left.
CREATE TABLE closings (
  person TEXT PRIMARY KEY,
  handle TEXT,
  closed_at INTEGER NOT NULL,
  done_at INTEGER,
  before TEXT,
  remaining TEXT
) WITHOUT ROWID;
CREATE INDEX closings_by_time ON closings (closed_at);

-- To find everything of one person.
CREATE INDEX media_by_owner ON media (owner);
CREATE INDEX mutes_by_other ON mutes (other);
CREATE INDEX comments_by_author ON comments (author);

-- The post of a comment, because its id does not say which post it is on. '' in rows from before.
ALTER TABLE comment_likes ADD COLUMN post TEXT NOT NULL DEFAULT '';

-- Rows of a closed account itself. Only the erasing may remove them, since actors, files or other shards know of them.
CREATE TRIGGER closed_posts AFTER INSERT ON posts
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.author) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.author;
END;
CREATE TRIGGER closed_likes AFTER INSERT ON likes
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;
CREATE TRIGGER closed_comment_likes AFTER INSERT ON comment_likes
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;
CREATE TRIGGER closed_comments AFTER INSERT ON comments
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person IN (new.author, new.reply_to))
  AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.author;
  UPDATE comments SET reply_to = NULL
  WHERE post = new.post AND parent = new.parent AND id = new.id
    AND reply_to IN (SELECT person FROM closed_people WHERE person = new.reply_to);
END;
CREATE TRIGGER closed_media AFTER INSERT ON media
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.owner) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.owner;
END;
CREATE TRIGGER closed_sessions AFTER INSERT ON sessions
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;
CREATE TRIGGER closed_push_subscriptions AFTER INSERT ON push_subscriptions
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;
CREATE TRIGGER closed_live_places AFTER INSERT ON live_places
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;
CREATE TRIGGER closed_notification_preferences AFTER INSERT ON notification_preferences
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;
CREATE TRIGGER closed_quiet_hours AFTER INSERT ON quiet_hours
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;
CREATE TRIGGER closed_muted_posts AFTER INSERT ON muted_posts
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;
CREATE TRIGGER closed_idempotency_keys AFTER INSERT ON idempotency_keys
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;

-- Relations, in which either side may have closed their account.
CREATE TRIGGER closed_mutes AFTER INSERT ON mutes
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person IN (new.person, new.other))
  AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
  DELETE FROM mutes WHERE person = new.person AND other = new.other
    AND EXISTS (SELECT 1 FROM closed_people WHERE person = new.other);
END;
CREATE TRIGGER closed_following_added AFTER INSERT ON following
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person IN (new.follower, new.followee))
  AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.follower;
  UPDATE following SET active = 0, requested = 0, bell = 0, version = version + 1
  WHERE follower = new.follower AND followee = new.followee AND (active = 1 OR requested = 1);
  DELETE FROM following WHERE follower = new.follower AND followee = new.followee
    AND EXISTS (SELECT 1 FROM closed_people WHERE person = new.followee);
END;
-- A row that was there before and becomes active again.
CREATE TRIGGER closed_following_changed AFTER UPDATE ON following
WHEN (new.active = 1 OR new.requested = 1)
  AND EXISTS (SELECT 1 FROM closed_people WHERE person IN (new.follower, new.followee))
  AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.follower;
  UPDATE following SET active = 0, requested = 0, bell = 0, version = version + 1
  WHERE follower = new.follower AND followee = new.followee;
END;
CREATE TRIGGER closed_followers_added AFTER INSERT ON followers
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person IN (new.followee, new.follower))
  AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.followee;
  UPDATE followers SET active = 0, pending = 0, bell = 0, told_in = NULL
  WHERE followee = new.followee AND follower_shard = new.follower_shard AND follower = new.follower
    AND EXISTS (SELECT 1 FROM closed_people WHERE person = new.follower);
  DELETE FROM followers
  WHERE followee = new.followee AND follower_shard = new.follower_shard AND follower = new.follower
    AND EXISTS (SELECT 1 FROM closed_people WHERE person = new.follower);
END;
CREATE TRIGGER closed_blocks AFTER INSERT ON blocks
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person IN (new.person, new.other))
  AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
  DELETE FROM blocks WHERE person = new.person AND other = new.other
    AND EXISTS (SELECT 1 FROM closed_people WHERE person = new.other)
    AND NOT EXISTS (SELECT 1 FROM closed_people WHERE person = new.person);
END;

-- Notifications lose the people who are gone, and go themselves when nobody is left or the recipient is gone.
CREATE TRIGGER closed_notifications_added AFTER INSERT ON notifications
WHEN NOT EXISTS (SELECT 1 FROM mover)
  AND (EXISTS (SELECT 1 FROM closed_people WHERE person IN (new.recipient, new.subject))
    OR EXISTS (SELECT 1 FROM json_each(new.actors) JOIN closed_people ON closed_people.person = json_each.value)) BEGIN
  UPDATE notifications SET
    excerpt = iif(EXISTS (SELECT 1 FROM closed_people WHERE person = new.actors ->> 0), NULL, excerpt),
    actors = (SELECT json_group_array(value) FROM json_each(new.actors)
      WHERE NOT EXISTS (SELECT 1 FROM closed_people WHERE person = value))
  WHERE recipient = new.recipient AND kind = new.kind AND subject = new.subject;
  DELETE FROM notifications
  WHERE recipient = new.recipient AND kind = new.kind AND subject = new.subject
    AND (actors = '[]' OR EXISTS (SELECT 1 FROM closed_people WHERE person IN (new.recipient, new.subject)));
END;
CREATE TRIGGER closed_notifications_changed AFTER UPDATE OF actors ON notifications
WHEN NOT EXISTS (SELECT 1 FROM mover)
  AND EXISTS (SELECT 1 FROM json_each(new.actors) JOIN closed_people ON closed_people.person = json_each.value) BEGIN
  UPDATE notifications SET
    excerpt = iif(EXISTS (SELECT 1 FROM closed_people WHERE person = new.actors ->> 0), NULL, excerpt),
    actors = (SELECT json_group_array(value) FROM json_each(new.actors)
      WHERE NOT EXISTS (SELECT 1 FROM closed_people WHERE person = value))
  WHERE recipient = new.recipient AND kind = new.kind AND subject = new.subject;
  DELETE FROM notifications
  WHERE recipient = new.recipient AND kind = new.kind AND subject = new.subject AND actors = '[]';
END;

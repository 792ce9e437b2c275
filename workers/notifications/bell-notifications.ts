/** Writes a new post into the inboxes of the followers who have a bell for its author. */
import { type PersonId, type PostId, timeOf } from "../../schema/ids.ts";
import { wantsNotificationSql } from "./notification-rules.ts";
import { type Unread, unreadStatements } from "./write-notifications.ts";

/**
 * Statements for a batch in the followers' database that notify those with a bell for `author` of each of `posts`, once
 * and if their preferences allow it. Includes dormant readers, since they asked for it. The last statement returns the
 * unread notifications: see `unreadIn`. Reads 3 to 5 rows and writes 3 for each follower. Returns no statements for no
 * followers.
 */
export function bellStatements(
  database: D1Database,
  followers: readonly PersonId[],
  author: PersonId,
  posts: readonly PostId[],
): D1PreparedStatement[] {
  if (followers.length === 0) return [];
  const published = posts.map((post) => [post, timeOf(post)]);
  const notifications = followers.flatMap((recipient) =>
    posts.map((subject) => ({ recipient, kind: "new_post" as const, subject })),
  );
  return [
    database.prepare(NOTIFY).bind(JSON.stringify(followers), JSON.stringify(published), author),
    ...unreadStatements(database, notifications),
  ];
}

/** Returns the unread notifications from the results of a batch that ends with `bellStatements`. */
export const unreadIn = (results: readonly D1Result<Unread>[]): Unread[] => results.at(-1)?.results ?? [];

// One notification a post, which never changes, so that repetitions do not make it unread again.
const NOTIFY = `
  INSERT INTO notifications (recipient, kind, subject, post, actors, count, version, raised, at)
  SELECT reader.value, 'new_post', published.value ->> 0, published.value ->> 0, json_array(?3), 1, 1,
    published.value ->> 1, published.value ->> 1
  FROM json_each(?1) AS reader
  CROSS JOIN following ON follower = reader.value AND followee = ?3 AND active = 1 AND bell = 1
  CROSS JOIN json_each(?2) AS published
  WHERE ${wantsNotificationSql({
    recipient: "reader.value",
    kind: "'new_post'",
    actor: "?3",
    post: "published.value ->> 0",
  })}
  ON CONFLICT DO NOTHING`;

/** Writes a new post into the inboxes of the followers who have a bell for its author. */
import { sql } from "drizzle-orm";
import { statement, type Statement, type Result } from "../../schema/d1/database.ts";
import { fieldsOf, list, textOf } from "../../schema/d1/sql.ts";
import { type PersonId, type PostId, timeOf } from "../../schema/ids.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { following } from "../../schema/tables/people.ts";
import { trimInboxStatements } from "./inbox-limit.ts";
import { kindSql, wantsNotificationSql } from "./notification-rules.ts";
import { type UnreadNotification, unreadStatements } from "./write-notifications.ts";

/**
 * Statements for a batch in the followers' database that notify those with a bell for `author` of each of `posts`, once
 * and if their preferences allow it. Includes dormant readers, since they asked for it. The last statement returns the
 * unread notifications: see `unreadIn`. Reads 3 to 5 rows and writes 2 for each follower, and trims inboxes in turn.
 * Returns no statements for no followers.
 */
export function bellStatements(
  followers: readonly PersonId[],
  author: PersonId,
  posts: readonly PostId[],
): Statement[] {
  if (followers.length === 0) return [];
  const rows = posts.map((post): Published => ({ post, at: timeOf(post) }));
  const written = followers.flatMap((recipient) =>
    posts.map((subject) => ({ recipient, kind: "new_post" as const, subject })),
  );
  return [
    statement(NOTIFY, JSON.stringify(followers), JSON.stringify(rows), author),
    ...trimInboxStatements(followers),
    ...unreadStatements(written),
  ];
}

/** Returns the unread notifications from the results of a batch that ends with `bellStatements`. */
export const unreadIn = (results: readonly Result<UnreadNotification>[]): UnreadNotification[] =>
  results.at(-1)?.rows ?? [];

type Published = { post: PostId; at: number };
const published = fieldsOf<Published>("published.value");
const follower = sql`reader.value`;

// One notification a post, which never changes, so that repetitions do not make it unread again.
const NOTIFY = textOf(sql`
  INSERT INTO ${notifications} (${list(
    notifications.recipient,
    notifications.kind,
    notifications.subject,
    notifications.post,
    notifications.actors,
    notifications.count,
    notifications.version,
    notifications.raised,
    notifications.at,
  )})
  SELECT ${follower}, ${kindSql("new_post")}, ${published("post")}, ${published("post")}, json_array(?3), 1, 1,
    ${published("at")}, ${published("at")}
  FROM json_each(?1) AS reader
  CROSS JOIN ${following} ON ${following.follower} = ${follower} AND ${following.followee} = ?3
    AND ${following.active} = 1 AND ${following.bell} = 1
  CROSS JOIN json_each(?2) AS published
  WHERE ${wantsNotificationSql({
    recipient: follower,
    kind: kindSql("new_post"),
    actor: sql`?3`,
    post: published("post"),
  })}
  ON CONFLICT DO NOTHING`);

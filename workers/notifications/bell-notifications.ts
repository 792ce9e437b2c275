/** What a new post writes into the inboxes of those followers whose bell rings for its author. */
import { type PersonId, type PostId, timeOf } from "../../schema/ids.ts";
import { isWantedSql } from "./notification-rules.ts";
import { type Unread, unreadStatements } from "./write-notifications.ts";

/**
 * For a batch in the followers' database: tells those of them whose bell rings for the author of each of `posts`, once and
 * if they want to be told. Dormant ones too, since they asked for it. The last statement gives back what stands unread: see
 * `unreadIn`. Reads 3 to 5 rows for each of them and writes 3; prepares nothing for nobody.
 */
export function bellStatements(
  database: D1Database,
  followers: readonly PersonId[],
  author: PersonId,
  posts: readonly PostId[],
): D1PreparedStatement[] {
  if (followers.length === 0) return [];
  const told = posts.map((post) => [post, timeOf(post)]);
  const entries = followers.flatMap((recipient) =>
    posts.map((subject) => ({ recipient, kind: "new_post" as const, subject })),
  );
  return [
    database.prepare(RING).bind(JSON.stringify(followers), JSON.stringify(told), author),
    ...unreadStatements(database, entries),
  ];
}

/** What stands unread, of the results of a batch that ends with `bellStatements`. */
export const unreadIn = (results: readonly D1Result<Unread>[]): Unread[] => results.at(-1)?.results ?? [];

// One entry a post, which never changes: so what was seen stays seen however often this is told again.
const RING = `
  INSERT INTO notifications (recipient, kind, subject, post, actors, count, version, raised, at)
  SELECT reader.value, 'new_post', told.value ->> 0, told.value ->> 0, json_array(?3), 1, 1, told.value ->> 1, told.value ->> 1
  FROM json_each(?1) AS reader
  CROSS JOIN following ON follower = reader.value AND followee = ?3 AND active = 1 AND bell = 1
  CROSS JOIN json_each(?2) AS told
  WHERE ${isWantedSql({ recipient: "reader.value", kind: "'new_post'", actor: "?3", post: "told.value ->> 0" })}
  ON CONFLICT DO NOTHING`;

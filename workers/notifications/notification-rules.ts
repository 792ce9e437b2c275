import { IS_ACTIVE } from "../../schema/d1/blocks.ts";
import { textOf } from "../../schema/d1/sql.ts";

/** SQL expressions: columns, parameters or literals. */
type Expressions = { recipient: string; kind: string; actor: string; post: string };

/**
 * SQL for the recipient's database, which holds everything it reads: whether `recipient` wants a notification of `kind`
 * about something that `actor` did, to `post` (NULL if it concerns no post). Nobody is notified of their own actions,
 * of people in a block with them, or of people and posts that they have muted. Beyond that they choose for each kind
 * whose actions they hear about. With `following`, an accepted request counts even before the follow begins.
 */
export const wantsNotificationSql = ({ recipient, kind, actor, post }: Expressions): string => `(
  ${actor} <> ${recipient}
  AND NOT EXISTS (SELECT 1 FROM blocks WHERE person = ${recipient} AND other = ${actor} AND ${textOf(IS_ACTIVE)})
  AND NOT EXISTS (SELECT 1 FROM mutes WHERE person = ${recipient} AND other = ${actor})
  AND NOT EXISTS (SELECT 1 FROM muted_posts WHERE person = ${recipient} AND post = ${post})
  AND CASE (SELECT who FROM notification_preferences WHERE person = ${recipient} AND kind = ${kind})
    WHEN 'nobody' THEN 0
    WHEN 'following' THEN ${kind} = 'request_accepted' OR EXISTS (
      SELECT 1 FROM following WHERE follower = ${recipient} AND followee = ${actor} AND active = 1)
    ELSE 1 END)`;

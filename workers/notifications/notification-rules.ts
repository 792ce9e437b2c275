import { IS_ACTIVE } from "../../schema/d1/blocks.ts";

/** SQL expressions: a column, a parameter, a literal. */
type Named = { recipient: string; kind: string; actor: string; post: string };

/**
 * SQL, for the recipient's database, where all of it lies: whether the recipient wants to be told that `actor` has done
 * something of `kind`, to `post` (NULL for what is about none). Nobody is told of what they do themselves, nor of what
 * people in a block with them do, or people and posts they have muted; beyond that they choose for each kind by whom. Whoever has accepted a request is about to be
 * followed.
 */
export const isWantedSql = ({ recipient, kind, actor, post }: Named): string => `(
  ${actor} <> ${recipient}
  AND NOT EXISTS (SELECT 1 FROM blocks WHERE person = ${recipient} AND other = ${actor} AND ${IS_ACTIVE})
  AND NOT EXISTS (SELECT 1 FROM mutes WHERE person = ${recipient} AND other = ${actor})
  AND NOT EXISTS (SELECT 1 FROM muted_posts WHERE person = ${recipient} AND post = ${post})
  AND CASE (SELECT who FROM notification_preferences WHERE person = ${recipient} AND kind = ${kind})
    WHEN 'nobody' THEN 0
    WHEN 'following' THEN ${kind} = 'request_accepted' OR EXISTS (
      SELECT 1 FROM following WHERE follower = ${recipient} AND followee = ${actor} AND active = 1)
    ELSE 1 END)`;

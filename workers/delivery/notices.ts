import type { Notice, PostFacts } from "../../schema/facts.ts";
import { setBased } from "../../schema/set-based.ts";

/**
 * Tells the authors, in their own database, what their posts' likes and comments have come to: one row a post and kind,
 * rewritten. It becomes unread again only when something newer than before counts, and a count of 0 hides it. The row
 * stays even then, because its version keeps a late message from bringing it back.
 */
export function noticeStatements(database: D1Database, facts: readonly PostFacts[]): D1PreparedStatement[] {
  const rows = facts.flatMap(({ author, post, notices }) => [
    ...row(author, "like", post, notices.like),
    ...row(author, "comment", post, notices.comment),
  ]);
  return setBased(database, UPSERT_NOTICES, rows);
}

const row = (recipient: string, kind: string, post: string, notice: Notice) =>
  notice.version === 0
    ? []
    : [
        [
          recipient,
          kind,
          post,
          JSON.stringify(notice.actors),
          notice.count,
          notice.excerpt ?? null,
          notice.raised,
          notice.version,
          notice.at,
        ],
      ];

const UPSERT_NOTICES = `
  INSERT INTO notifications (recipient, kind, subject, actors, count, excerpt, raised, version, at, unread)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 6 > 0
  FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET
    actors = excluded.actors, count = excluded.count, excerpt = excluded.excerpt, version = excluded.version,
    unread = CASE WHEN excluded.raised > raised THEN 1 ELSE unread END,
    at = CASE WHEN excluded.raised > raised THEN excluded.at ELSE at END,
    raised = max(raised, excluded.raised)
  WHERE excluded.version > version`;

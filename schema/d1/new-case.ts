import { type SQL, sql } from "drizzle-orm";
import { cases } from "../tables/moderation.ts";
import { list } from "./sql.ts";

/**
 * Returns a statement that adds cases without a decision, and leaves those that exist as they are. `rows` is VALUES or a
 * SELECT of their `subject`, `kind`, `post`, `parent`, `person`, `content`, `openedAt`, `revision` and `open`.
 */
export const newCaseSql = (rows: SQL): SQL => sql`
  INSERT INTO ${cases} (${list(
    cases.subject,
    cases.kind,
    cases.post,
    cases.parent,
    cases.person,
    cases.content,
    cases.openedAt,
    cases.revision,
    cases.open,
    cases.reports,
    cases.version,
    cases.down,
    cases.sanction,
    cases.reason,
  )})
  SELECT *, 0, 0, 0, 'none', '' FROM (${rows}) WHERE true ON CONFLICT DO NOTHING`;

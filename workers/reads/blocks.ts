import { sql } from "drizzle-orm";
import { textOf } from "../../schema/d1/sql.ts";
import { AFTER_EVERY_ID, type PersonId } from "../../schema/ids.ts";
import { blocks } from "../../schema/tables/people.ts";
import type { Reader } from "../storage/reader.ts";

/** `mine`: the viewer has blocked the other person. `theirs`: the other person has blocked the viewer. */
export type Block = { mine: boolean; theirs: boolean };

export const NO_BLOCK: Block = { mine: false, theirs: false };

/** SQL: the row is about the person ?1 and the other person ?2. */
export const IS_BETWEEN = sql`${blocks.person} = ?1 AND ${blocks.other} = ?2`;
export const BLOCK_BETWEEN = textOf(sql`SELECT ${blocks.mine}, ${blocks.theirs} FROM ${blocks} WHERE ${IS_BETWEEN}`);
export type BlockRow = Record<keyof Pick<typeof blocks.$inferSelect, "mine" | "theirs">, 0 | 1>;
export const blockOf = (row: BlockRow | null | undefined): Block =>
  row ? { mine: row.mine === 1, theirs: row.theirs === 1 } : NO_BLOCK;

/** Returns the people that `person` has blocked, those who signed up last first. Costs one D1 query. */
export async function blockedBy(
  reader: Reader,
  person: PersonId,
  after: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const page = await reader.replica<Pick<typeof blocks.$inferSelect, "other">>(
    person,
    BLOCKED_BY,
    person,
    after ?? AFTER_EVERY_ID,
    limit,
  );
  return page.map(({ other }) => other);
}

const BLOCKED_BY = textOf(sql`
  SELECT ${blocks.other} FROM ${blocks} WHERE ${blocks.person} = ?1 AND ${blocks.mine} = 1 AND ${blocks.other} < ?2
  ORDER BY ${blocks.other} DESC LIMIT ?3`);

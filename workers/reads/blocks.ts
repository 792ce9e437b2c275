import { AFTER_EVERY_ID, type PersonId } from "../../schema/ids.ts";
import type { Reader } from "../storage/reader.ts";

/** `mine`: the viewer has blocked the other person. `theirs`: the other person has blocked the viewer. */
export type Block = { mine: boolean; theirs: boolean };

export const NO_BLOCK: Block = { mine: false, theirs: false };

/** Returns the blocks between the viewer and `other`. Costs one D1 query, or nothing for a viewer who has no block. */
export async function blockBetween(reader: Reader, other: PersonId): Promise<Block> {
  if (!reader.person || !reader.hasBlocks) return NO_BLOCK;
  const [row] = await reader.primary<BlockRow>(reader.person, BETWEEN, reader.person, other);
  return blockOf(row);
}

export const BETWEEN = "SELECT mine, theirs FROM blocks WHERE person = ?1 AND other = ?2";
export type BlockRow = { mine: number; theirs: number };
export const blockOf = (row: BlockRow | null | undefined): Block =>
  row ? { mine: row.mine === 1, theirs: row.theirs === 1 } : NO_BLOCK;

/** Returns the people that `person` has blocked, those who signed up last first. Costs one D1 query. */
export async function blockedBy(
  reader: Reader,
  person: PersonId,
  after: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const page = await reader.primary<{ other: PersonId }>(person, BLOCKED_BY, person, after ?? AFTER_EVERY_ID, limit);
  return page.map(({ other }) => other);
}

const BLOCKED_BY =
  "SELECT other FROM blocks WHERE person = ?1 AND mine = 1 AND other < ?2 ORDER BY other DESC LIMIT ?3";

import { databaseOf } from "../../schema/shards.ts";
import { AFTER_EVERY_ID, type PersonId } from "../../schema/ids.ts";

/** `mine`: the viewer has blocked the other. `theirs`: the other has blocked the viewer. */
export type Block = { mine: boolean; theirs: boolean };

export const NO_BLOCK: Block = { mine: false, theirs: false };

/** What stands between two people. One D1 query, none for who has no block at all. */
export async function blockBetween(
  env: Env,
  viewer: { person: PersonId; hasBlocks: boolean } | undefined,
  other: PersonId,
): Promise<Block> {
  if (!viewer?.hasBlocks) return NO_BLOCK;
  const row = await databaseOf(env, viewer.person).prepare(BETWEEN).bind(viewer.person, other).first<BlockRow>();
  return blockOf(row);
}

export const BETWEEN = "SELECT mine, theirs FROM blocks WHERE person = ?1 AND other = ?2";
export type BlockRow = { mine: number; theirs: number };
export const blockOf = (row: BlockRow | null | undefined): Block =>
  row ? { mine: row.mine === 1, theirs: row.theirs === 1 } : NO_BLOCK;

/** Those whom `person` has blocked; whoever signed up last comes first. One D1 query. */
export async function blockedBy(
  env: Env,
  person: PersonId,
  after: PersonId | undefined,
  limit: number,
): Promise<PersonId[]> {
  const page = await databaseOf(env, person)
    .prepare("SELECT other FROM blocks WHERE person = ?1 AND mine = 1 AND other < ?2 ORDER BY other DESC LIMIT ?3")
    .bind(person, after ?? AFTER_EVERY_ID, limit)
    .all<{ other: PersonId }>();
  return page.results.map(({ other }) => other);
}

/**
 * Moves the share of the moving people in the digests of likes, which are sums over all people of a database. The share
 * stays at the source while the likes are copied: the audit adds up the databases, so later likes may be added to
 * either. It moves once, when the likes are deleted at the source: the target records in the same transaction up to
 * which like it has moved.
 */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { bare, textOf } from "../../schema/d1/sql.ts";
import type { likes } from "../../schema/tables/posts.ts";
import { movingShards } from "../../schema/tables/shards.ts";
import { digestStatements } from "../projector/likes.ts";
import { asMover, type Mover } from "./mover.ts";
import { rowsIn, type Window } from "./windows.ts";

type Like = Pick<typeof likes.$inferSelect, "person" | "post"> & { liked: 0 | 1 };

/**
 * Adds the share of a window of likes to the target's digests, and returns the statements that subtract it from the
 * source's. The rows no longer change, so a repetition after a crash finds the same ones. Costs one query, and one
 * batch if there are likes.
 */
export async function settleDigests(mover: Mover, window: Window): Promise<Statement[]> {
  const { move, source, target, settled } = mover;
  const rows = (await rowsIn(source, move, window)) as Like[];
  const last = rows.at(-1);
  if (!last) return [];
  const counted = rows.filter(({ liked }) => liked === 1);
  const unsettled = counted.filter((like) => keyOf(like) > settled);
  await asMover(target, mover, [...digestStatements(unsettled.map(plus)), statement(SETTLE, move.id, keyOf(last))]);
  return digestStatements(counted.map(minus));
}

const SETTLE = textOf(sql`
  UPDATE ${movingShards} SET ${bare(movingShards.settled)} = max(${movingShards.settled}, ?2)
  WHERE ${movingShards.move} = ?1`);

const keyOf = ({ person, post }: Like): string => `${person} ${post}`;
const plus = ({ person, post }: Like) => ({ person, post, change: 1 as const });
const minus = ({ person, post }: Like) => ({ person, post, change: -1 as const });

/**
 * Moves the share of the moving people in the digests of likes, which are sums over all people of a database. The share
 * stays at the source while the likes are copied: the audit adds up the databases, so later likes may be added to
 * either. It moves once, when the likes are deleted at the source: the target records in the same transaction up to
 * which like it has moved.
 */
import type { PersonId, PostId } from "../../schema/ids.ts";
import { digestStatements } from "../projector/likes.ts";
import { asMover, type Mover } from "./mover.ts";
import { rowsIn, type Window } from "./windows.ts";

type Like = { person: PersonId; post: PostId; liked: 0 | 1 };

/**
 * Adds the share of a window of likes to the target's digests, and returns the statements that subtract it from the
 * source's. The rows no longer change, so a repetition after a crash finds the same ones. Costs one query, and one
 * batch if there are likes.
 */
export async function settleDigests(mover: Mover, window: Window): Promise<D1PreparedStatement[]> {
  const { move, source, target, settled } = mover;
  const likes = (await rowsIn(source, move, window)) as Like[];
  const last = likes.at(-1);
  if (!last) return [];
  const counted = likes.filter(({ liked }) => liked === 1);
  const unsettled = counted.filter((like) => keyOf(like) > settled);
  await asMover(target, mover, [
    ...digestStatements(target, unsettled.map(plus)),
    target.prepare("UPDATE moving_shards SET settled = max(settled, ?) WHERE move = ?").bind(keyOf(last), move.id),
  ]);
  return digestStatements(source, counted.map(minus));
}

const keyOf = ({ person, post }: Like): string => `${person} ${post}`;
const plus = ({ person, post }: Like) => ({ person, post, change: 1 as const });
const minus = ({ person, post }: Like) => ({ person, post, change: -1 as const });

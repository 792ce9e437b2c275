/**
 * The share of the moving people in the digests of likes, which are sums over all people of a database. While their likes
 * are copied it stays where it is: the audit adds the databases up, so who likes what from then on may be added to either.
 * It moves when the likes are deleted at the source, once: in the target's transaction it is noted up to which like.
 */
import type { PersonId, PostId } from "../../schema/ids.ts";
import { digestStatements } from "../projector/likes.ts";
import { asMover, type Mover } from "./mover.ts";
import { rowsIn, type Window } from "./windows.ts";

type Like = { person: PersonId; post: PostId; liked: 0 | 1 };

/**
 * Adds the share of a window of likes to the target's digests, and gives back what takes it from the source's. The rows no
 * longer change, so who repeats this after a crash finds the same. One query and one batch, none for no likes.
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

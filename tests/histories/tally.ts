/** The figures of an episode, for a reader of the log. */
import { doubledComments, lostComments } from "./models/comment-order.ts";
import { readsThatWentBack } from "./models/own-writes.ts";
import { type History, operationsOn } from "./recording/history.ts";
import type { Verdicts } from "./verdicts.ts";

export type Tally = {
  operations: number;
  /** Writes whose outcome the client never learned. */
  unknown: number;
  /** Acknowledged comments that no list shows, and likes that violate their register. */
  lost: number;
  /** Comments that appear twice, and likes that are counted but belong to nobody. */
  doubled: number;
  /** Reads that showed a client an older state than its read before: by design, after a switch from the actor to D1. */
  wentBack: number;
};

export const NOTHING: Tally = { operations: 0, unknown: 0, lost: 0, doubled: 0, wentBack: 0 };

export const tallyOf = (history: History, verdicts: Verdicts): Tally => ({
  operations: history.operations.length,
  unknown: history.operations.filter((operation) => operation.return === null).length,
  lost: lostComments(history) + verdicts.likes.length,
  doubled: doubledComments(history) + likesOfNobody(history),
  wentBack: readsThatWentBack(history),
});

export function plus(a: Tally, b: Tally): Tally {
  return {
    operations: a.operations + b.operations,
    unknown: a.unknown + b.unknown,
    lost: a.lost + b.lost,
    doubled: a.doubled + b.doubled,
    wentBack: a.wentBack + b.wentBack,
  };
}

/** Counts likes that belong to nobody, in everybody's last reads, which the actors serve. */
const likesOfNobody = (history: History): number =>
  history.posts.reduce((count, { id }) => {
    const reads = operationsOn(history, id, "read");
    const last = history.people.flatMap((_, person) => reads.findLast((read) => read.person === person) ?? []);
    const likes = last.at(-1)?.answer.likes ?? 0;
    return count + Math.max(0, likes - last.filter(({ answer }) => answer.liked).length);
  }, 0);

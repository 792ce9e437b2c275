/**
 * Every read, however old and even a plain one, shows a state that existed. So each `seq` has one count of likes and
 * one of comments, and between two `seq`s they differ by no more than the number of changes between them.
 */
import { type Finding, type History, operationsOn } from "../recording/history.ts";

type Shown = { seq: number; likes: number; comments?: number };

export const wrongStates = (history: History): Finding[] =>
  history.posts.flatMap(({ id, seq }) => {
    const shown: Shown[] = [
      { seq, likes: 0, comments: 0 },
      ...operationsOn(history, id, "read").map(({ answer }) => answer),
      ...operationsOn(history, id, "like").flatMap(({ answer }) => answer ?? []),
    ];
    return impossible(shown).map((what) => ({ post: id, what }));
  });

function impossible(shown: Shown[]): string[] {
  const inOrder = shown.toSorted((a, b) => a.seq - b.seq);
  const wrong = new Set<string>();
  for (const [index, now] of inOrder.entries()) {
    const before = inOrder[index - 1];
    if (before && !mayFollow(before, now)) wrong.add(`${JSON.stringify(before)}, then ${JSON.stringify(now)}`);
  }
  const counted = inOrder.filter(({ comments }) => comments !== undefined);
  for (const [index, now] of counted.entries()) {
    const before = counted[index - 1];
    if (before && !mayFollow(before, now)) wrong.add(`${JSON.stringify(before)}, then ${JSON.stringify(now)}`);
  }
  return [...wrong];
}

/** Whether `after` can follow `before`: each change of `seq` is one like, one unlike or one comment. */
function mayFollow(before: Shown, after: Shown): boolean {
  const changes = after.seq - before.seq;
  const likes = Math.abs(after.likes - before.likes);
  if (before.comments === undefined || after.comments === undefined) return likes <= changes;
  const comments = after.comments - before.comments;
  const rest = changes - comments - likes; // Pairs of a like and its unlike, in either order.
  return comments >= 0 && rest >= 0 && rest % 2 === 0;
}

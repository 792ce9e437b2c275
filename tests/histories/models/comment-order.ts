/**
 * I5: the comments of a post are a list that only grows at its end. Every read shows a prefix of it, so there are no
 * two orders and no gap is filled later; no id and no text appears twice; and every acknowledged comment is in it, in
 * the order of the responses. The lists show the order themselves, so no search is needed.
 *
 * Reads of the actor show every comment acknowledged before, and never fewer than an earlier read of it; reads with the
 * token of an own write show everything up to that write; plain reads may be old, but show prefixes too.
 */
import {
  type CommentOperation,
  type Finding,
  type History,
  type ListOperation,
  operationsOn,
} from "../recording/history.ts";

/** Returns every violation of the order of comments. */
export const wrongComments = (history: History): Finding[] =>
  history.posts.flatMap(({ id }) => {
    const lists = operationsOn(history, id, "list");
    const written = operationsOn(history, id, "comment");
    const order = lists.reduce<ListOperation["answer"]>(
      (longest, { answer }) => (answer.length > longest.length ? answer : longest),
      [],
    );
    const wrong = [
      ...wrongInOrder(order, written),
      ...lists.filter(({ answer }) => !isPrefix(answer, order)).map(notAPrefix),
      ...lists.flatMap((list) => missingIn(list, written)),
      ...shorterThanBefore(lists.filter(({ freshness }) => freshness.kind === "actor")),
    ];
    return wrong.map((what) => ({ post: id, what }));
  });

/** Counts the acknowledged comments that no list shows, although the longest one was read later. */
export function lostComments(history: History): number {
  const shown = new Set(history.posts.flatMap(({ id }) => operationsOn(history, id, "list").flatMap(idsOf)));
  const answered = history.operations.filter((operation) => operation.f === "comment" && operation.answer !== null);
  return answered.filter((operation) => operation.f === "comment" && !shown.has(operation.answer?.id ?? "")).length;
}

/** Counts the comments that repeat a text in the longest list. */
export const doubledComments = (history: History): number =>
  history.posts.reduce((count, { id }) => {
    const lists = operationsOn(history, id, "list").map(({ answer }) => answer);
    const [longest = []] = lists.toSorted((a, b) => b.length - a.length);
    return count + longest.length - new Set(longest.map(({ text }) => text)).size;
  }, 0);

const idsOf = ({ answer }: ListOperation): string[] => answer.map(({ id }) => id);

function wrongInOrder(order: ListOperation["answer"], written: CommentOperation[]): string[] {
  const wrong: string[] = [];
  const byText = new Map(written.map((comment) => [comment.text, comment]));
  const ids = new Set<string>();
  const texts = new Set<string>();
  // The earliest return among the comments further on. No comment before them may have been invoked later than that.
  let firstReturn = { at: Number.POSITIVE_INFINITY, text: "" };
  for (const { id, text } of order.toReversed()) {
    const comment = byText.get(text);
    if (!comment) wrong.push(`nobody wrote "${text}"`);
    else if (comment.answer && comment.answer.id !== id)
      wrong.push(`"${text}" was acknowledged with another id than ${id}`);
    if (ids.has(id)) wrong.push(`the id ${id} appears twice`);
    if (texts.has(text)) wrong.push(`doubled: "${text}"`);
    ids.add(id);
    texts.add(text);
    if (comment && comment.invoke > firstReturn.at) {
      wrong.push(`"${text}" was written after "${firstReturn.text}" was acknowledged, but comes before it`);
    }
    const at = comment?.return ?? Number.POSITIVE_INFINITY;
    if (at < firstReturn.at) firstReturn = { at, text };
  }
  return [...wrong, ...againstSeq(order, written)];
}

/** Checks that `seq` grows along the list. Only comments with a single request know the `seq` of their change. */
function againstSeq(order: ListOperation["answer"], written: CommentOperation[]): string[] {
  const seqOf = new Map(
    written.flatMap(({ text, requests, answer }) => (requests === 1 && answer ? [[text, answer.seq]] : [])),
  );
  const known = order.filter(({ text }) => seqOf.has(text));
  return known.flatMap(({ text }, index) => {
    const before = known[index - 1];
    if (!before || (seqOf.get(before.text) ?? 0) < (seqOf.get(text) ?? 0)) return [];
    return [`"${before.text}" comes before "${text}", but has the higher seq`];
  });
}

const isPrefix = (list: ListOperation["answer"], order: ListOperation["answer"]): boolean =>
  list.every(({ id, text }, index) => order[index]?.id === id && order[index].text === text);

const notAPrefix = ({ client, freshness, answer }: ListOperation): string =>
  `client ${client} (${freshness.kind}) saw ${answer.length} comments that are not the first ones of the longest list`;

/**
 * Returns the comments that the list should have shown. For a comment with several requests the last response gives a
 * later `seq` of the post, so the comment is certainly there at that `seq`.
 */
function missingIn({ freshness, invoke, answer, client }: ListOperation, written: CommentOperation[]): string[] {
  if (freshness.kind === "plain") return [];
  const shown = new Set(answer.map(({ id }) => id));
  const due = written.filter((comment) => {
    if (!comment.answer || shown.has(comment.answer.id)) return false;
    return freshness.kind === "actor"
      ? (comment.return ?? Number.POSITIVE_INFINITY) < invoke
      : comment.answer.seq <= freshness.seq;
  });
  return due.map(
    ({ text }) => `lost: "${text}" was acknowledged, but client ${client} (${freshness.kind}) did not see it`,
  );
}

function shorterThanBefore(lists: ListOperation[]): string[] {
  const inOrder = lists.toSorted((a, b) => a.invoke - b.invoke);
  return inOrder.flatMap((list) => {
    const before = inOrder.filter((other) => other.return < list.invoke && other.answer.length > list.answer.length);
    return before.length > 0 ? [`client ${list.client} saw fewer comments than an earlier read`] : [];
  });
}

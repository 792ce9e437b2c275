/**
 * I5: the comments of a post are a list that only grows at its end. Every reader sees a prefix of it, so there are no two
 * orders and no gap is filled later; no id and no text is there twice; and what was answered is in it, in the order of
 * the answers. The lists show the order themselves, so nothing has to be searched.
 *
 * Reads of the actor show all that was answered before, and never less than a read before them; reads with the token of
 * an own write show all up to that write; plain reads may be old, but are prefixes like the others.
 */
import {
  type CommentOperation,
  type Finding,
  type History,
  type ListOperation,
  operationsOn,
} from "../recording/history.ts";

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

/** What was answered, and is in no list although the longest one was read later. */
export function lostComments(history: History): number {
  const shown = new Set(history.posts.flatMap(({ id }) => operationsOn(history, id, "list").flatMap(idsOf)));
  const answered = history.operations.filter((operation) => operation.f === "comment" && operation.answer !== null);
  return answered.filter((operation) => operation.f === "comment" && !shown.has(operation.answer?.id ?? "")).length;
}

/** Texts that are in the longest list more than once. */
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
  // Of what stands behind: nothing before it was invoked later than that.
  let firstReturn = { at: Number.POSITIVE_INFINITY, text: "" };
  for (const { id, text } of order.toReversed()) {
    const comment = byText.get(text);
    if (!comment) wrong.push(`nobody wrote "${text}"`);
    else if (comment.answer && comment.answer.id !== id)
      wrong.push(`"${text}" was answered with another id than ${id}`);
    if (ids.has(id)) wrong.push(`the id ${id} is there twice`);
    if (texts.has(text)) wrong.push(`doubled: "${text}"`);
    ids.add(id);
    texts.add(text);
    if (comment && comment.invoke > firstReturn.at) {
      wrong.push(`"${text}" was written after "${firstReturn.text}" was answered, and stands before it`);
    }
    const at = comment?.return ?? Number.POSITIVE_INFINITY;
    if (at < firstReturn.at) firstReturn = { at, text };
  }
  return [...wrong, ...againstSeq(order, written)];
}

/** Comments that were made by their only request know the `seq` of their change: it grows along the list. */
function againstSeq(order: ListOperation["answer"], written: CommentOperation[]): string[] {
  const seqOf = new Map(
    written.flatMap(({ text, requests, answer }) => (requests === 1 && answer ? [[text, answer.seq]] : [])),
  );
  const known = order.filter(({ text }) => seqOf.has(text));
  return known.flatMap(({ text }, index) => {
    const before = known[index - 1];
    if (!before || (seqOf.get(before.text) ?? 0) < (seqOf.get(text) ?? 0)) return [];
    return [`"${before.text}" stands before "${text}", against their seq`];
  });
}

const isPrefix = (list: ListOperation["answer"], order: ListOperation["answer"]): boolean =>
  list.every(({ id, text }, index) => order[index]?.id === id && order[index].text === text);

const notAPrefix = ({ client, freshness, answer }: ListOperation): string =>
  `client ${client} (${freshness.kind}) was shown ${answer.length} comments that are not the first of the longest list`;

/** What the list had to show. Several requests of one comment: the last answer says how far the post was, so it is there. */
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
    ({ text }) => `lost: "${text}" was answered, and client ${client} (${freshness.kind}) was not shown it`,
  );
}

function shorterThanBefore(lists: ListOperation[]): string[] {
  const inOrder = lists.toSorted((a, b) => a.invoke - b.invoke);
  return inOrder.flatMap((list) => {
    const before = inOrder.filter((other) => other.return < list.invoke && other.answer.length > list.answer.length);
    return before.length > 0 ? [`client ${list.client} was shown fewer comments than a read before it`] : [];
  });
}

/** What is known to have been deleted. It disappears from every list and page, also from those that were read before. */
import { signal } from "@preact/signals";
import type { ApiProblem } from "./problem.ts";

const gone = signal<ReadonlySet<string>>(new Set());

export const isGone = (id: string): boolean => gone.value.has(id);

export function markGone(id: string): void {
  gone.value = new Set([...gone.value, id]);
}

/** What was hidden, and is shown again. */
export function markBack(id: string): void {
  if (gone.peek().has(id)) gone.value = new Set([...gone.peek()].filter((other) => other !== id));
}

/** A refusal may be how one learns that somebody else was faster. */
export function learnGone({ code }: ApiProblem, post: string, comment?: string): void {
  if (code === "post_not_found") markGone(post);
  if (code === "comment_not_found" && comment !== undefined) markGone(comment);
}

/** Posts and comments known to be deleted or hidden. They disappear from every list and page, cached ones included. */
import { signal } from "@preact/signals";
import type { ApiProblem } from "../api/problem.ts";

const gone = signal<ReadonlySet<string>>(new Set());

export const isGone = (id: string): boolean => gone.value.has(id);

export function markGone(id: string): void {
  gone.value = new Set([...gone.value, id]);
}

/** Brings back a comment that was hidden and is shown again. */
export function unmarkGone(id: string): void {
  if (gone.peek().has(id)) gone.value = new Set([...gone.peek()].filter((other) => other !== id));
}

/** Marks a post or comment as gone if the problem is that it was not found: it may have been deleted meanwhile. */
export function markGoneIfMissing({ code }: ApiProblem, post: string, comment?: string): void {
  if (code === "post_not_found") markGone(post);
  if (code === "comment_not_found" && comment !== undefined) markGone(comment);
}

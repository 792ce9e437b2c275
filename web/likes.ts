/** Likes of posts and of comments: shown at once, and taken back if they are refused. */
import type { Signal } from "@preact/signals";
import { asProblem, type ApiProblem } from "./problem.ts";
import { tell } from "./toast.ts";

type Likable = { id: string; likes: number; likedByMe: boolean };
type Send<T> = (liked: boolean) => Promise<Partial<T>>;

/** What the person wants of what has a like on its way. */
const wanted = new Map<string, boolean>();

/** Until its answer has come, what else is read of it may be older. */
export const isLikeUnderWay = (id: string): boolean => wanted.has(id);

/** Answers with what was refused. */
export async function like<T extends Likable>(
  kept: Signal<T>,
  liked: boolean,
  send: Send<T>,
): Promise<ApiProblem | undefined> {
  const { id, likedByMe } = kept.value;
  if (likedByMe === liked) return undefined;
  show(kept, liked);
  const underWay = wanted.has(id);
  wanted.set(id, liked);
  // One request at a time, or two fast taps could arrive in the other order. It looks here again when it ends.
  if (underWay) return undefined;
  let confirmed = likedByMe;
  try {
    for (let target = wanted.get(id); target !== undefined && target !== confirmed; target = wanted.get(id)) {
      const answer = await send(target);
      confirmed = target;
      if (wanted.get(id) === confirmed) kept.value = { ...kept.value, ...answer, likedByMe: confirmed };
    }
    return undefined;
  } catch (error) {
    const problem = asProblem(error);
    show(kept, confirmed);
    tell(`The like was not saved. ${problem.message}`, "error");
    return problem;
  } finally {
    wanted.delete(id);
  }
}

function show<T extends Likable>(kept: Signal<T>, liked: boolean): void {
  const { likes, likedByMe } = kept.value;
  const change = Number(liked) - Number(likedByMe);
  kept.value = { ...kept.value, likes: likes + change, likedByMe: liked };
}

/** Likes of posts and comments: shown at once, and reverted if they fail. */
import type { Signal } from "@preact/signals";
import { asProblem, type ApiProblem } from "../api/problem.ts";
import { showToast } from "../browser/toast.ts";

type Likable = { id: string; likes: number; likedByMe: boolean };
type Send<T> = (liked: boolean) => Promise<Partial<T>>;

/** The wanted state of each post or comment that has a like under way. */
const wanted = new Map<string, boolean>();

/** While a like is under way, anything else read about its subject may be older. */
export const isLikeUnderWay = (id: string): boolean => wanted.has(id);

/** Likes or unlikes. Resolves with the problem if the request failed. */
export async function like<T extends Likable>(
  cached: Signal<T>,
  liked: boolean,
  send: Send<T>,
): Promise<ApiProblem | undefined> {
  const { id, likedByMe } = cached.value;
  if (likedByMe === liked) return undefined;
  show(cached, liked);
  const underWay = wanted.has(id);
  wanted.set(id, liked);
  // One request at a time, or two fast taps could arrive in reverse order. The running loop sends the last one wanted.
  if (underWay) return undefined;
  let confirmed = likedByMe;
  try {
    for (let target = wanted.get(id); target !== undefined && target !== confirmed; target = wanted.get(id)) {
      const change = await send(target);
      confirmed = target;
      if (wanted.get(id) === confirmed) cached.value = { ...cached.value, ...change, likedByMe: confirmed };
    }
    return undefined;
  } catch (error) {
    const problem = asProblem(error);
    show(cached, confirmed);
    showToast(`Couldn’t save your like. ${problem.message}`, "error");
    return problem;
  } finally {
    wanted.delete(id);
  }
}

function show<T extends Likable>(cached: Signal<T>, liked: boolean): void {
  const { likes, likedByMe } = cached.value;
  const change = Number(liked) - Number(likedByMe);
  cached.value = { ...cached.value, likes: likes + change, likedByMe: liked };
}

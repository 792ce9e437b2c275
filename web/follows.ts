/** Whom the person follows, as far as it is known here: lists of people do not say it. */
import { signal } from "@preact/signals";
import { api } from "./api.ts";
import { forgetLists } from "./list.ts";
import { asProblem } from "./problem.ts";
import { tell } from "./toast.ts";

const PAGE = 50;

const follows = signal<ReadonlyMap<string, boolean>>(new Map());

export const followed = (handle: string): boolean => follows.value.get(handle) ?? false;

/** Nothing says yet that the person does not follow them. */
export const mayFollow = (handle: string): boolean => follows.value.get(handle) ?? true;

export function learnFollows(handles: string[], followed = true): void {
  follows.value = new Map([...follows.value, ...handles.map((handle) => [handle, followed] as const)]);
}

export const forgetFollows = (): void => {
  follows.value = new Map();
};

/** The newest page of them, which is all of them for whom a list of people to follow is of use. */
export async function readFollows(handle: string): Promise<void> {
  try {
    const { items } = await api.following(handle, undefined, PAGE);
    learnFollows(items.map(({ handle }) => handle));
  } catch {
    // Following somebody twice changes nothing, so a button that offers it does no harm.
  }
}

export async function readFollow(handle: string): Promise<void> {
  try {
    const { followedByMe } = await api.profile(handle);
    learnFollows([handle], followedByMe);
  } catch {
    // Then the API says so when it matters.
  }
}

/** Shows it at once and takes it back if it is refused. Answers whether it was saved. */
export async function follow(handle: string, wanted: boolean): Promise<boolean> {
  learnFollows([handle], wanted);
  try {
    await api.follow(handle, wanted);
    forgetLists();
    return true;
  } catch (error) {
    learnFollows([handle], !wanted);
    tell(`That was not saved. ${asProblem(error).message}`, "error");
    return false;
  }
}

/** Whom the person follows or has asked to, as far as it is known here: lists of people do not say it. */
import { signal } from "@preact/signals";
import type { Followed } from "../schema/api/people.ts";
import { api } from "./api.ts";
import { forgetLists } from "./list.ts";
import { asProblem } from "./problem.ts";
import { tell } from "./toast.ts";

const PAGE = 50;

export type FollowState = "none" | "requested" | "followed";

const follows = signal<ReadonlyMap<string, FollowState>>(new Map());

/** `otherwise`: while nothing is known. */
export const followState = (handle: string, otherwise: FollowState = "none"): FollowState =>
  follows.value.get(handle) ?? otherwise;

/** Nothing says yet that the person does not follow them. */
export const mayFollow = (handle: string): boolean => (follows.value.get(handle) ?? "followed") === "followed";

export const stateOf = ({ followedByMe, requestedByMe }: Followed): FollowState =>
  followedByMe ? "followed" : requestedByMe ? "requested" : "none";

export function learnFollows(handles: string[], state: FollowState): void {
  follows.value = new Map([...follows.value, ...handles.map((handle) => [handle, state] as const)]);
}

export const forgetFollows = (): void => {
  follows.value = new Map();
};

/** The newest page of them, which is all of them for whom a list of people to follow is of use. */
export async function readFollows(handle: string): Promise<void> {
  try {
    const { items } = await api.following(handle, undefined, PAGE);
    learnFollows(
      items.map(({ handle }) => handle),
      "followed",
    );
  } catch {
    // Following somebody twice changes nothing, so a button that offers it does no harm.
  }
}

export async function readFollow(handle: string): Promise<void> {
  try {
    learnFollows([handle], stateOf(await api.profile(handle)));
  } catch {
    // Then the API says so when it matters.
  }
}

/** Shows it at once as it will probably be, then as it is, and takes it back if it is refused. Gives back how it is. */
export async function follow(handle: string, wanted: boolean, isPrivate: boolean): Promise<FollowState> {
  const before = followState(handle);
  learnFollows([handle], wanted ? (isPrivate ? "requested" : "followed") : "none");
  try {
    const after = stateOf(await api.follow(handle, wanted));
    learnFollows([handle], after);
    forgetLists();
    return after;
  } catch (error) {
    learnFollows([handle], before);
    tell(`That was not saved. ${asProblem(error).message}`, "error");
    return before;
  }
}

/** Whom the viewer follows or has asked to follow, as far as the page knows: lists of people do not include it. */
import { signal } from "@preact/signals";
import type { Followed } from "../../schema/api/people.ts";
import { api } from "../api/api.ts";
import { asProblem } from "../api/problem.ts";
import { showToast } from "../browser/toast.ts";
import { forgetLists } from "./list.ts";

const PAGE = 50;

export type FollowState = "none" | "requested" | "followed";

const follows = signal<ReadonlyMap<string, FollowState>>(new Map());

/** The viewer's relation to `handle`, or `otherwise` while it is unknown. */
export const followState = (handle: string, otherwise: FollowState = "none"): FollowState =>
  follows.value.get(handle) ?? otherwise;

/** Whether the viewer follows `handle`, or might: nothing says yet that they do not. */
export const mightFollow = (handle: string): boolean => (follows.value.get(handle) ?? "followed") === "followed";

export const stateOf = ({ followedByMe, requestedByMe }: Followed): FollowState =>
  followedByMe ? "followed" : requestedByMe ? "requested" : "none";

/** Records the viewer's relation to each of `handles`. */
export function setFollowStates(handles: string[], state: FollowState): void {
  follows.value = new Map([...follows.value, ...handles.map((handle) => [handle, state] as const)]);
}

export const forgetFollows = (): void => {
  follows.value = new Map();
};

/** Reads the newest page of whom `handle` follows: all, for anyone who still needs a list of people to follow. */
export async function readFollows(handle: string): Promise<void> {
  try {
    const { items } = await api.following(handle, undefined, PAGE);
    setFollowStates(
      items.map(({ handle }) => handle),
      "followed",
    );
  } catch {
    // Following somebody twice changes nothing, so a button that still offers it does no harm.
  }
}

export async function readFollow(handle: string): Promise<void> {
  try {
    setFollowStates([handle], stateOf(await api.profile(handle)));
  } catch {
    // The relation stays unknown; the API refuses when it matters.
  }
}

/** Follows or unfollows. Shows the expected state at once and reverts it on failure. Returns the resulting state. */
export async function follow(handle: string, wanted: boolean, isPrivate: boolean): Promise<FollowState> {
  const before = followState(handle);
  setFollowStates([handle], wanted ? (isPrivate ? "requested" : "followed") : "none");
  try {
    const after = stateOf(await api.follow(handle, wanted));
    setFollowStates([handle], after);
    forgetLists();
    return after;
  } catch (error) {
    setFollowStates([handle], before);
    showToast(`Couldn’t save that. ${asProblem(error).message}`, "error");
    return before;
  }
}

/** Who looks at what, and the one specification of what they see. */

/**
 * What the viewer is to the author of a post. `requester` has asked to follow a private author, `removed` was a
 * follower, `muter` follows and has muted the author, `blocker` has blocked the author, `blocked` is blocked by them.
 * `suspended` is a suspended follower, `moderator` a stranger who moderates.
 */
export const VIEWERS = [
  "anonymous",
  "author",
  "stranger",
  "follower",
  "requester",
  "removed",
  "muter",
  "blocker",
  "blocked",
  "both",
  "suspended",
  "moderator",
] as const;
export type Viewer = (typeof VIEWERS)[number];

/** `newly private`: became private a moment ago, after every read had been served (and cached). */
export const STATES = ["public", "private", "newly private", "deleted"] as const;
export type State = (typeof STATES)[number];

export const isPrivate = (state: State): boolean => state === "private" || state === "newly private";

/** Whether a block lies between the viewer and the author. */
export const isBlock = (viewer: Viewer): boolean => ["blocker", "blocked", "both"].includes(viewer);

/** Whether the author has blocked the viewer, who then does not even see that the author exists. */
export const isShutOut = (viewer: Viewer): boolean => viewer === "blocked" || viewer === "both";

/** Whether the viewer would see the post if nobody had blocked anybody. */
export function seesDespiteBlocks(viewer: Viewer, state: State): boolean {
  if (state === "deleted") return false;
  return !isPrivate(state) || ["author", "follower", "muter", "suspended"].includes(viewer);
}

/** The specification: everything in the matrix derives from it what each operation must return. */
export const sees = (viewer: Viewer, state: State): boolean => seesDespiteBlocks(viewer, state) && !isBlock(viewer);

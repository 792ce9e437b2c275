/** Who looks at what, and the one specification of what they see. */

/**
 * What the viewer is to the author of a post. `requester` has asked to follow a private author, `removed` was a
 * follower, `muter` follows and has muted the author, `blocker` has blocked the author, `blocked` is blocked by them.
 * `restricted` is a follower whom the author has restricted, `suspended` a suspended one, `moderator` a stranger who
 * moderates.
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
  "restricted",
  "suspended",
  "moderator",
] as const;
export type Viewer = (typeof VIEWERS)[number];

/**
 * Of the author or the post. `newly private`: became private a moment ago, after every read had been served (and
 * cached). Moderators have taken the post down, or suspended or closed the account of the author.
 */
export const STATES = ["public", "private", "newly private", "deleted", "taken down", "suspended", "closed"] as const;
export type State = (typeof STATES)[number];

export const isPrivate = (state: State): boolean => state === "private" || state === "newly private";

/** Whether the viewer follows the author. */
export const isFollower = (viewer: Viewer): boolean =>
  ["follower", "muter", "restricted", "suspended"].includes(viewer);

/** Whether a block lies between the viewer and the author. */
export const isBlock = (viewer: Viewer): boolean => ["blocker", "blocked", "both"].includes(viewer);

/** Whether the author has blocked the viewer, who then does not even see that the author exists. */
export const isShutOut = (viewer: Viewer): boolean => viewer === "blocked" || viewer === "both";

/** Whether the viewer sees the author's profile. */
export const seesPerson = (viewer: Viewer, state: State): boolean =>
  !isShutOut(viewer) && (state !== "closed" || viewer === "author" || viewer === "moderator");

/** Whether the viewer would see the post if nobody had blocked anybody. */
export function seesDespiteBlocks(viewer: Viewer, state: State): boolean {
  if (state === "deleted") return false;
  if (state === "taken down" || state === "closed") return viewer === "author" || viewer === "moderator";
  return !isPrivate(state) || viewer === "author" || isFollower(viewer);
}

/** The specification: everything in the matrix derives from it what each operation must return. */
export const sees = (viewer: Viewer, state: State): boolean => seesDespiteBlocks(viewer, state) && !isBlock(viewer);

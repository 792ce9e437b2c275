/**
 * Decides whether a viewer may see a post. The reader and the live relay gather the facts in their own ways, and share
 * this rule.
 */

/** The facts about a post, its author and a viewer that decide. */
export type ViewingFacts = {
  isDeleted: boolean;
  /** Whether a moderator has taken the post down, or closed the author's account. */
  isTakenDown: boolean;
  isAuthor: boolean;
  /** Whether the viewer may moderate. */
  isModerator: boolean;
  /** Whether one of author and viewer has blocked the other. */
  isBlocked: boolean;
  /** Whether the author's account is private. */
  isPrivate: boolean;
  /** Whether the viewer follows the author; an open request does not count. Matters only for a private author. */
  isFollower: boolean;
};

/**
 * Returns whether the viewer may see the post. A post is public until it is deleted, with three exceptions: it is hidden
 * between two people if one has blocked the other, a private author's post from everybody else who is not an accepted
 * follower, and one that was taken down from everybody but its author. Moderators see it in spite of blocks and
 * take-downs, or they could not undo them, but a private author's posts only as followers.
 */
export const mayView = (facts: ViewingFacts): boolean => {
  const { isDeleted, isTakenDown, isAuthor, isModerator, isBlocked, isPrivate, isFollower } = facts;
  if (isDeleted || (isBlocked && !isModerator) || (isPrivate && !isAuthor && !isFollower)) return false;
  return !isTakenDown || isAuthor || isModerator;
};

/**
 * For each database, by its binding, the bookmark from which on it knows every exclusion that concerns an author: a block
 * in either direction, or the removal of a follower. The marks are stored with the author, so that every read of a post
 * also reads how new the viewer's side of the decision must be. (The "zookies" of Zanzibar, Pang et al., USENIX ATC 2019,
 * section 2.4, kept with the author instead of each content.)
 */
export type ExclusionMarks = Readonly<Record<string, string>>;

/** The author's side of the decision, as it was when a post was read. */
export type Audience = {
  isPrivate: boolean;
  /** Whether a moderator has closed the author's account. */
  isBarred: boolean;
  marks: ExclusionMarks;
};

/**
 * Returns whether a state that was read at the bookmark `at` includes the state `mark`. D1's bookmarks sort as text. An
 * unknown state includes nothing.
 */
export const includes = (at: string | undefined, mark: string | undefined): boolean =>
  mark === undefined || (at !== undefined && at >= mark);

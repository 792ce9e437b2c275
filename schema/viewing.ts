/**
 * Decides whether a viewer may see a post. The reader and the live relay gather the facts in their own ways, and share
 * this rule.
 */

/** The facts about a post, its author and a viewer that decide. */
export type ViewingFacts = {
  isDeleted: boolean;
  isAuthor: boolean;
  /** Whether one of author and viewer has blocked the other. */
  isBlocked: boolean;
  /** Whether the author's account is private. */
  isPrivate: boolean;
  /** Whether the viewer follows the author; an open request does not count. Matters only for a private author. */
  isFollower: boolean;
};

/**
 * Returns whether the viewer may see the post. A post is public until it is deleted, with two exceptions: it is hidden
 * between two people if one has blocked the other, and a private author's post from everybody else who is not an
 * accepted follower.
 */
export const mayView = ({ isDeleted, isAuthor, isBlocked, isPrivate, isFollower }: ViewingFacts): boolean =>
  !isDeleted && !isBlocked && (!isPrivate || isAuthor || isFollower);

/**
 * How long a read of whether an author is private may be used, in ms, counted from before its query was sent. Becoming
 * private is acknowledged only once this time is over, so that no decision after the acknowledgement rests on an
 * earlier read. Everything that remembers such a read must therefore forget it by this lease.
 */
export const PRIVACY_LEASE = 1000;

/** Returns whether a read sent at `readAt` may still be used. Not if it lies in the future: the clock may be set back. */
export const isInLease = (readAt: number, now: number): boolean => readAt <= now && now - readAt < PRIVACY_LEASE;

/** Decides who may watch a post over a live socket, and makes each viewer's frame. Pure functions of given data. */
import type { PostFrame } from "../../schema/api/live.ts";
import { presentComment } from "../../schema/api/present-comment.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { mayView } from "../../schema/viewing.ts";
import { type Change, peopleNamed, type PostWindow } from "../post/post-window.ts";

/** The people named in a window who block the viewer or are blocked by them. */
export type Blocked = ReadonlySet<PersonId>;

/** Undefined for an anonymous viewer. */
export type Viewer = PersonId | undefined;

/**
 * Whether the viewer may get the post's frames, by the rule of `mayView`. Called before each frame. `followers`: the
 * accepted followers among the viewers if the author is private; undefined if the author is public. `isBarred`: whether a
 * moderator has closed the author's account.
 */
export const mayWatch = (
  { author, standing }: PostWindow,
  viewer: Viewer,
  blocked: Blocked,
  followers: ReadonlySet<PersonId> | undefined,
  { isBarred, isModerator }: { isBarred: boolean; isModerator: boolean },
): boolean =>
  mayView({
    isDeleted: standing.deleted,
    isTakenDown: standing.takenDown || isBarred,
    isAuthor: viewer === author,
    isModerator,
    isBlocked: blocked.has(author),
    isPrivate: followers !== undefined,
    isFollower: viewer !== undefined && followers?.has(viewer) === true,
  });

/** The people whose blocks can change what a viewer is sent. */
export const peopleConcerned = ({ author, changes }: PostWindow): PersonId[] => [
  author,
  ...changes.flatMap((change) => (change.seenBy === "nobody" ? [] : peopleOf(change))),
];

/** Makes the frame of a viewer who may watch and has everything up to `since`, which must lie in the window. */
export function frameOf(
  window: PostWindow,
  since: number,
  viewer: Viewer,
  blocked: Blocked,
  isModerator = false,
): PostFrame {
  const { post, author, to, standing } = window;
  const isAuthor = viewer === author;
  const changes = window.changes.filter(({ seq }) => seq > since);
  const moderates = isAuthor || isModerator;
  const named = window.people.filter(({ id }) => moderates || !blocked.has(id));
  const people = new Map(named.map((card) => [card.id, card]));
  // Who moderates the comments sees those of people in a block with them, too.
  const isSeen = (change: Change): change is Seen =>
    change.seenBy !== "nobody" &&
    (isAuthor ||
      (isShownTo(viewer, change) &&
        (moderates ||
          (!blocked.has(change.comment.author) && !(change.threadAuthor && blocked.has(change.threadAuthor))))));
  const changed = changes.filter(isSeen).flatMap(({ comment: { state, review: _review, ...comment } }) => {
    const hiddenReplies = isAuthor ? comment.hiddenReplies : 0;
    const seen = { ...comment, hiddenReplies, hidden: isAuthor && state === "hidden", liked: false };
    const isPinned = comment.id === standing.pinned;
    const { likedByMe: _, ...presented } = presentComment(seen, people, isPinned, blocked) ?? {};
    return "id" in presented ? [presented] : [];
  });
  return {
    topic: "post",
    post,
    from: since,
    seq: to,
    likes: standing.likes,
    comments: standing.comments,
    commentPolicy: standing.policy,
    pinned: standing.pinned,
    changed,
    gone: changes.flatMap((change) => (isSeen(change) ? [] : [change.id])),
    reread: window.reread && since < to,
    deleted: false,
  };
}

/** The last frame of a post that is deleted, or that this viewer may no longer watch. */
export const lastFrame = (post: PostId, since: number): PostFrame => ({
  topic: "post",
  post,
  from: since,
  seq: since,
  likes: 0,
  comments: 0,
  commentPolicy: "off",
  pinned: null,
  changed: [],
  gone: [],
  reread: false,
  deleted: true,
});

/** Whether a comment and its thread are shown, or seem so to a viewer who has written what is hidden. */
const isShownTo = (viewer: Viewer, { comment, threadAuthor, isThreadHidden }: Seen): boolean =>
  (comment.state === "shown" || comment.author === viewer) && (!isThreadHidden || threadAuthor === viewer);

/** The writers of hidden comments in a window, whose frames differ from those of others. */
export const hiddenWriters = ({ changes }: PostWindow): ReadonlySet<PersonId> =>
  new Set(
    changes.flatMap((change) =>
      change.seenBy === "author" ? [change.comment.author, ...(change.threadAuthor ? [change.threadAuthor] : [])] : [],
    ),
  );

type Seen = Exclude<Change, { seenBy: "nobody" }>;

const peopleOf = ({ comment, threadAuthor }: Seen): PersonId[] =>
  threadAuthor ? [...peopleNamed(comment), threadAuthor] : peopleNamed(comment);

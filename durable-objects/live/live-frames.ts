/** Who may watch a post over the live socket, and what each of them is sent of it. Pure functions of what was read. */
import type { PostFrame } from "../../schema/api/live.ts";
import { presentComment } from "../../schema/api/present-comment.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { type Change, peopleNamed, type PostWindow } from "../post/post-window.ts";

/** Of the people that a window names: those with whom its viewer is in a block. */
export type Blocked = ReadonlySet<PersonId>;

/** Undefined for who is not signed in. */
export type Viewer = PersonId | undefined;

/**
 * As `canView` decides for what is read. Asked before each frame, with what was found in the last review. `readers`: of the
 * viewers those whom the author has accepted, when they are private; undefined when they are not.
 */
export const mayWatch = (
  { author, standing }: PostWindow,
  viewer: Viewer,
  blocked: Blocked,
  readers: ReadonlySet<PersonId> | undefined,
): boolean => {
  if (standing.deleted || blocked.has(author)) return false;
  return readers === undefined || viewer === author || (viewer !== undefined && readers.has(viewer));
};

/** Everybody whose block with a viewer makes a difference to what they are sent. */
export const peopleConcerned = ({ author, changes }: PostWindow): PersonId[] => [
  author,
  ...changes.flatMap((change) => (change.seenBy === "nobody" ? [] : peopleOf(change))),
];

/** For a viewer who may watch, and has everything up to `since`, which lies in the window. */
export function frameOf(window: PostWindow, since: number, viewer: Viewer, blocked: Blocked): PostFrame {
  const { post, author, to, standing } = window;
  const isAuthor = viewer === author;
  const changes = window.changes.filter(({ seq }) => seq > since);
  const people = new Map(window.people.flatMap((card) => (blocked.has(card.id) ? [] : [[card.id, card] as const])));
  const isSeen = (change: Change): change is Seen =>
    change.seenBy !== "nobody" &&
    (isAuthor || change.seenBy === "everyone") &&
    !blocked.has(change.comment.author) &&
    !(change.threadAuthor && blocked.has(change.threadAuthor));
  const changed = changes.filter(isSeen).flatMap(({ comment: { state, ...comment } }) => {
    const hiddenReplies = isAuthor ? comment.hiddenReplies : 0;
    const told = { ...comment, hiddenReplies, hidden: state === "hidden", liked: false };
    const { likedByMe: _, ...presented } = presentComment(told, people, comment.id === standing.pinned) ?? {};
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

/** The last one: the post is gone, or is as gone for this viewer. */
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

type Seen = Exclude<Change, { seenBy: "nobody" }>;

const peopleOf = ({ comment, threadAuthor }: Seen): PersonId[] =>
  threadAuthor ? [...peopleNamed(comment), threadAuthor] : peopleNamed(comment);

/** The commands on comments: who may run each of them, and what it changes. */
import type { SeenComment } from "../../../schema/comments.ts";
import type { CommentId, PersonId } from "../../../schema/ids.ts";
import { COMMENTS_MAX, type ThreadQuery } from "./comment-threads.ts";
import type { Post } from "../post.ts";
import {
  type CommentRefusal,
  type Held,
  type NewComment,
  COMMENT_NOT_FOUND,
  NOT_YOURS,
  type ChangedComment,
  type Refusable,
  type Reported,
} from "../post-results.ts";
import { type CommentRow, HIDDEN_BY, SHOWN } from "../post-tables.ts";

type CommandResult = Refusable<ChangedComment, "comment_not_found" | "not_yours">;
type Refused = typeof NOT_YOURS | typeof COMMENT_NOT_FOUND | undefined;

/**
 * Adds a comment or a reply, if the post's comment policy allows it. A repetition under the same key returns the first.
 */
export function make(
  post: Post,
  { author, text, replyTo, mentions = [], held, isFollower = false, key }: NewComment,
): Refusable<ChangedComment, CommentRefusal> {
  const { row } = post.record;
  const request = JSON.stringify([text, replyTo ?? null]);
  const made = key === undefined ? undefined : post.keys.find(author, key, request);
  if (made === "other") return { ok: false, reason: "idempotency_key_reused" };
  if (made) return resultFor(post, author, made);

  if (!post.isBy(author) && row.policy === "off") return { ok: false, reason: "comments_off" };
  if (!post.isBy(author) && row.policy === "followers" && !isFollower) return { ok: false, reason: "followers_only" };
  if (row.comments >= COMMENTS_MAX) return { ok: false, reason: "too_many_comments" };
  const target = replyTo && seenBy(post, author, replyTo);
  if (replyTo && !target) return COMMENT_NOT_FOUND;
  const remember = (id: CommentId) => key !== undefined && post.keys.remember(author, key, id, request);
  const id = post.comments.add({ author, text, mentions, hiddenBy: hiddenBy(held) }, target || undefined, remember);
  post.changed();
  return resultFor(post, author, id);
}

/** Replaces the text. Only the comment's author may: not even the post's author puts words in their mouth. */
export const edit = (post: Post, person: PersonId, id: CommentId, text: string, held?: Held): CommandResult =>
  onOne(post, person, id, (comment) => {
    if (comment.author !== person) return NOT_YOURS;
    if (comment.text === text) return undefined;
    post.comments.edit(comment, text);
    const edited = post.comments.existing(id);
    if (held && edited) post.comments.setHiddenBy(edited, edited.hidden_by | hiddenBy(held));
    return undefined;
  });

/** As a part of CommentRow.hidden_by. */
const hiddenBy = (held: Held | undefined): number =>
  held ? { author: HIDDEN_BY.held, review: HIDDEN_BY.review, hidden: HIDDEN_BY.moderators }[held] : 0;

/** Deletes those of `ids` that `person` has written, for the post's author `by` or, without one, for moderators. */
export function removeAll(
  post: Post,
  person: PersonId,
  ids: readonly CommentId[],
  by: PersonId | undefined,
): Refusable<{ removed: number }, "not_yours"> {
  if (by !== undefined && !post.isBy(by)) return NOT_YOURS;
  let removed = 0;
  for (const id of ids) {
    const comment = post.comments.existing(id);
    if (comment?.author !== person) continue;
    post.comments.remove(comment);
    removed += 1;
  }
  if (removed > 0) post.changed();
  return { ok: true, removed };
}

/** Deletes a comment with its replies. Only its author and the post's author may. A repetition finds no comment. */
export function remove(
  post: Post,
  person: PersonId,
  id: CommentId,
): Refusable<{ seq: number }, "comment_not_found" | "not_yours"> {
  const comment = knownTo(post, person, id);
  if (!comment) return COMMENT_NOT_FOUND;
  if (comment.author !== person && !post.isBy(person)) return NOT_YOURS;
  post.comments.remove(comment);
  post.changed();
  return { ok: true, seq: post.record.row.seq };
}

/** Lets the post's author hide a comment and its replies from everybody else, or show them again. */
export const hide = (post: Post, person: PersonId, id: CommentId, hidden: boolean): CommandResult =>
  onOne(post, person, id, (comment) => {
    if (!post.isBy(person)) return NOT_YOURS;
    const { author, moderators, review } = HIDDEN_BY;
    post.comments.setHiddenBy(comment, hidden ? comment.hidden_by | author : comment.hidden_by & (moderators | review));
    return undefined;
  });

/** Hides a comment for the moderators, or no longer. One that is gone stays so. */
export function moderate(
  post: Post,
  id: CommentId,
  version: number,
  hidden: boolean,
): Refusable<{ seq: number }, "comment_not_found"> {
  const comment = post.comments.existing(id);
  if (!comment) return COMMENT_NOT_FOUND;
  if (version > comment.moderation) {
    const { moderators, review } = HIDDEN_BY;
    const others = comment.hidden_by & ~(moderators | review);
    post.comments.setHiddenBy(comment, hidden ? others | moderators : others, version);
    post.changed();
  }
  return { ok: true, seq: post.record.row.seq };
}

/** Returns what a report needs to know about a comment that everybody sees. */
export function reported({ comments }: Post, id: CommentId): Refusable<{ comment: Reported }, "comment_not_found"> {
  const comment = comments.shown(id);
  if (!comment) return COMMENT_NOT_FOUND;
  const { author, text, parent, edited_at: editedAt } = comment;
  return { ok: true, comment: { author, text, parent, editedAt } };
}

/** Lets the post's author pin one comment on the post itself above the others, or unpin it. */
export const pin = (post: Post, person: PersonId, id: CommentId, pinned: boolean): CommandResult =>
  onOne(post, person, id, ({ parent }) => {
    const { record, comments } = post;
    const { row } = record;
    if (!post.isBy(person)) return NOT_YOURS;
    if (pinned && (parent !== "" || !comments.shown(id))) return COMMENT_NOT_FOUND;
    if ((row.pinned === id) !== pinned) record.save({ pinned: pinned ? id : null, seq: row.seq + 1 });
    return undefined;
  });

/** Likes or unlikes a comment that everybody sees. The writer of a hidden one must not notice, so they may as well. */
export const like = (post: Post, person: PersonId, id: CommentId, liked: boolean): CommandResult =>
  onOne(post, person, id, (comment) => {
    if (!seenBy(post, person, id)) return COMMENT_NOT_FOUND;
    post.comments.setLike(comment, person, liked);
    return undefined;
  });

/** Returns the authors of a comment and of the comment whose thread it is in. */
export function authors({ comments }: Post, id: CommentId): Refusable<{ authors: PersonId[] }, "comment_not_found"> {
  const comment = comments.existing(id);
  if (!comment) return COMMENT_NOT_FOUND;
  const parent = comment.parent === "" ? undefined : comments.existing(comment.parent);
  return { ok: true, authors: parent ? [comment.author, parent.author] : [comment.author] };
}

/** Returns a page of a thread and the pinned comment. Replies have no thread of their own. */
export function page(
  post: Post,
  viewer: PersonId | undefined,
  query: ThreadQuery,
): Refusable<
  { author: PersonId; comments: SeenComment[]; pinned: SeenComment | undefined; seq: number },
  "comment_not_found"
> {
  const { comments, record } = post;
  const { parent } = query;
  if (parent && (viewer ? knownTo(post, viewer, parent) : comments.shown(parent))?.parent !== "") {
    return COMMENT_NOT_FOUND;
  }
  const { author, pinned, seq } = record.row;
  return {
    ok: true,
    author,
    seq,
    comments: comments.page(viewer, query),
    pinned: pinned ? comments.seenBy(viewer, pinned) : undefined,
  };
}

/** Runs a command on a comment that `person` may know of. Returns its refusal, or the comment as they see it after. */
function onOne(post: Post, person: PersonId, id: CommentId, command: (comment: CommentRow) => Refused): CommandResult {
  const comment = knownTo(post, person, id);
  if (!comment) return COMMENT_NOT_FOUND;
  const { seq } = post.record.row;
  const refused = command(comment);
  if (refused) return refused;
  if (post.record.row.seq !== seq) post.changed();
  return resultFor(post, person, id);
}

/** Returns the comment if `person` may know of it: of a hidden one, only its own author and the post's author may. */
function knownTo(post: Post, person: PersonId, id: CommentId): CommentRow | undefined {
  const comment = post.comments.existing(id);
  return person === comment?.author || post.isBy(person) ? comment : post.comments.shown(id);
}

/** Returns the comment if `person` sees it and its thread as shown: to the writer of a hidden comment it seems so. */
function seenBy({ comments }: Post, person: PersonId, id: CommentId): CommentRow | undefined {
  const comment = comments.existing(id);
  if (!comment) return undefined;
  const above = comment.parent === "" ? comment : comments.existing(comment.parent);
  const seemsShown = ({ state, author }: CommentRow) => state === SHOWN || author === person;
  return above && seemsShown(comment) && seemsShown(above) ? comment : undefined;
}

function resultFor(
  { comments, record }: Post,
  viewer: PersonId,
  id: CommentId,
): Refusable<ChangedComment, "comment_not_found"> {
  const comment = comments.existing(id) && comments.seenBy(viewer, id);
  const { seq, pinned } = record.row;
  return comment ? { ok: true, seq, comment, pinned: pinned === id } : COMMENT_NOT_FOUND;
}

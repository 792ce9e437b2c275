/** Who may do what to a comment, and what follows. */
import type { SeenComment } from "../../../schema/messages/facts.ts";
import type { CommentId, PersonId } from "../../../schema/ids.ts";
import { COMMENTS_MAX, type ThreadQuery } from "./comment-threads.ts";
import type { Post } from "../post.ts";
import {
  type CommentRefusal,
  type NewComment,
  NO_COMMENT,
  NOT_YOURS,
  type OnComment,
  type Refusable,
} from "../post-results.ts";
import type { CommentRow } from "../post-tables.ts";

type OnOne = Refusable<OnComment, "comment_not_found" | "not_yours">;
type Refused = typeof NOT_YOURS | typeof NO_COMMENT | undefined;

export function make(
  post: Post,
  { author, text, replyTo, mentions = [], isFollower = false, key }: NewComment,
): Refusable<OnComment, CommentRefusal> {
  const { row } = post.record;
  const request = JSON.stringify([text, replyTo ?? null]);
  const made = key === undefined ? undefined : post.keys.find(author, key, request);
  if (made === "other") return { ok: false, reason: "idempotency_key_reused" };
  if (made) return answer(post, author, made);

  if (!post.isBy(author) && row.policy === "off") return { ok: false, reason: "comments_off" };
  if (!post.isBy(author) && row.policy === "followers" && !isFollower) return { ok: false, reason: "followers_only" };
  if (row.comments >= COMMENTS_MAX) return { ok: false, reason: "too_many_comments" };
  const answered = replyTo && post.comments.shown(replyTo);
  if (replyTo && !answered) return NO_COMMENT;
  const remember = (id: CommentId) => key !== undefined && post.keys.remember(author, key, id, request);
  const id = post.comments.add({ author, text, mentions }, answered || undefined, remember);
  post.changed();
  return answer(post, author, id);
}

/** By who wrote it, and nobody else: not even the post's author puts words in their mouth. */
export const edit = (post: Post, person: PersonId, id: CommentId, text: string): OnOne =>
  onOne(post, person, id, (comment) => {
    if (comment.author !== person) return NOT_YOURS;
    post.comments.edit(comment, text);
    return undefined;
  });

/** By who wrote it, or the post's author. Its replies go with it. Repeating it finds no comment. */
export function remove(
  post: Post,
  person: PersonId,
  id: CommentId,
): Refusable<{ seq: number }, "comment_not_found" | "not_yours"> {
  const comment = knownTo(post, person, id);
  if (!comment) return NO_COMMENT;
  if (comment.author !== person && !post.isBy(person)) return NOT_YOURS;
  post.comments.remove(comment);
  post.changed();
  return { ok: true, seq: post.record.row.seq };
}

/** By the post's author. Of a hidden comment, and what replies to it, nobody else sees anything. */
export const hide = (post: Post, person: PersonId, id: CommentId, hidden: boolean): OnOne =>
  onOne(post, person, id, (comment) => {
    if (!post.isBy(person)) return NOT_YOURS;
    post.comments.setHidden(comment, hidden);
    return undefined;
  });

/** By the post's author: one comment, of those on the post itself, that stands above the others. */
export const pin = (post: Post, person: PersonId, id: CommentId, pinned: boolean): OnOne =>
  onOne(post, person, id, ({ parent }) => {
    const { record, comments } = post;
    const { row } = record;
    if (!post.isBy(person)) return NOT_YOURS;
    if (pinned && (parent !== "" || !comments.shown(id))) return NO_COMMENT;
    if ((row.pinned === id) !== pinned) record.save({ pinned: pinned ? id : null, seq: row.seq + 1 });
    return undefined;
  });

export const like = (post: Post, person: PersonId, id: CommentId, liked: boolean): OnOne =>
  onOne(post, person, id, (comment) => {
    if (!post.comments.shown(id)) return NO_COMMENT;
    post.comments.setLike(comment, person, liked);
    return undefined;
  });

/** Who wrote a comment, and the one whose thread it is in. */
export function authors({ comments }: Post, id: CommentId): Refusable<{ authors: PersonId[] }, "comment_not_found"> {
  const comment = comments.existing(id);
  if (!comment) return NO_COMMENT;
  const parent = comment.parent === "" ? undefined : comments.existing(comment.parent);
  return { ok: true, authors: parent ? [comment.author, parent.author] : [comment.author] };
}

/** A page of a thread, and the pinned comment. Replies have no thread of their own. */
export function page(
  post: Post,
  viewer: PersonId | undefined,
  query: ThreadQuery,
): Refusable<{ comments: SeenComment[]; pinned: SeenComment | undefined; seq: number }, "comment_not_found"> {
  const { comments, record } = post;
  const { parent } = query;
  if (parent && (post.isBy(viewer) ? comments.existing(parent) : comments.shown(parent))?.parent !== "") {
    return NO_COMMENT;
  }
  const { pinned, seq } = record.row;
  return {
    ok: true,
    seq,
    comments: comments.page(viewer, query),
    pinned: pinned ? comments.seenBy(viewer, pinned) : undefined,
  };
}

/** Runs a command on a comment that `person` knows, which may refuse; answers with the comment as they now see it. */
function onOne(post: Post, person: PersonId, id: CommentId, command: (comment: CommentRow) => Refused): OnOne {
  const comment = knownTo(post, person, id);
  if (!comment) return NO_COMMENT;
  const { seq } = post.record.row;
  const refused = command(comment);
  if (refused) return refused;
  if (post.record.row.seq !== seq) post.changed();
  return answer(post, person, id);
}

/** The comment, if `person` may know that it exists: what is hidden, only its own author and the post's. */
function knownTo(post: Post, person: PersonId, id: CommentId): CommentRow | undefined {
  const comment = post.comments.existing(id);
  return person === comment?.author || post.isBy(person) ? comment : post.comments.shown(id);
}

function answer(
  { comments, record }: Post,
  viewer: PersonId,
  id: CommentId,
): Refusable<OnComment, "comment_not_found"> {
  const comment = comments.existing(id) && comments.seenBy(viewer, id);
  const { seq, pinned } = record.row;
  return comment ? { ok: true, seq, comment, pinned: pinned === id } : NO_COMMENT;
}

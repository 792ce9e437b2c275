import type { SeenComment } from "../comments.ts";
import { type PersonId, timeOf } from "../ids.ts";
import type { PersonCard } from "./people.ts";
import type { Comment } from "./posts.ts";

/**
 * Returns the comment as the API shows it, or undefined if its author is not among `people`. `blocked`: the people in a
 * block with the viewer, whose comments are marked. Pure.
 */
export function presentComment(
  comment: SeenComment,
  people: ReadonlyMap<PersonId, PersonCard>,
  pinned: boolean,
  blocked?: ReadonlySet<PersonId>,
): Comment | undefined {
  const { id, text, likes, liked, replies, hiddenReplies, hidden, parent, editedAt } = comment;
  const author = people.get(comment.author);
  const replyTo = comment.replyTo ? people.get(comment.replyTo) : undefined;
  if (!author) return undefined;
  return {
    id,
    author,
    text,
    likes,
    likedByMe: liked,
    replies,
    hiddenReplies,
    pinned,
    hidden,
    ...(blocked?.has(comment.author) && { blocked: true }),
    createdAt: new Date(timeOf(id)).toISOString(),
    ...(editedAt !== null && { editedAt: new Date(editedAt).toISOString() }),
    ...(parent !== "" && { parent }),
    ...(replyTo && { replyTo }),
  };
}

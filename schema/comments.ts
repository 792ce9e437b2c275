/** What a comment is made of. */
import { z } from "zod";
import { CommentId, PersonId } from "./ids.ts";

/** Whether a comment is shown to everybody, to its writer and the post's author alone, or to nobody any more. */
export const CommentState = z.enum(["shown", "hidden", "gone"]);
export type CommentState = z.infer<typeof CommentState>;

/** A comment without its state. */
export const CommentContent = z.object({
  id: CommentId,
  author: PersonId,
  text: z.string(),
  /** The comment whose thread this reply is in; "" for a comment on the post itself. */
  parent: z.union([CommentId, z.literal("")]),
  /** The person that a reply answers. */
  replyTo: PersonId.nullable(),
  likes: z.number().int(),
  /** Replies that everyone sees. */
  replies: z.number().int(),
  /** Replies that only the post's author sees; nobody else sees this count. */
  hiddenReplies: z.number().int(),
  /** When the text was last changed, in ms since 1970. */
  editedAt: z.number().int().nullable(),
});
export type CommentContent = z.infer<typeof CommentContent>;

/** A comment as one viewer sees it, whether it was read from D1 or from the actor. */
export type SeenComment = CommentContent & { hidden: boolean; liked: boolean };

/**
 * The messages in which a post's actor reports its changes. Like every message, they are a wake-up for something that is
 * stored: they may arrive twice, late or out of order, so they carry state together with its version, and never an
 * increment.
 */
import { z } from "zod";
import { CommentContent, CommentState } from "../comments.ts";
import { CommentId, PersonId, PostId } from "../ids.ts";
import { PostBody, PostStanding } from "../posts.ts";
import { Notice } from "./notices.ts";

/** Whether a person liked the post at `seq`. */
export const LikeFact = z.object({ person: PersonId, liked: z.boolean(), seq: z.number().int() });
export type LikeFact = z.infer<typeof LikeFact>;

/** A comment as it was at `seq`. */
export const CommentFact = CommentContent.extend({
  state: CommentState,
  seq: z.number().int(),
  /** A filter holds it until a moderator has looked at it. */
  review: z.literal(true).optional(),
});
export type CommentFact = z.infer<typeof CommentFact>;

/** Whether a person liked a comment at `seq`. */
export const CommentLikeFact = LikeFact.extend({ comment: CommentId });
export type CommentLikeFact = z.infer<typeof CommentLikeFact>;

/** From a post's actor to the projector: its outbox, if any, with a `seq` from `from` to `to`, inclusive. */
export const PostFacts = z.object({
  post: PostId,
  author: PersonId,
  from: z.number().int(),
  to: z.number().int(),
  /** Everything up to this `seq` is already in D1. */
  confirmed: z.number().int(),
  /** All notices up to this `seq` are already in D1. Absent in messages of an older version. */
  noticed: z.number().int().optional(),
  /**
   * Once D1 has everything up to `to`, it has every comment up to this one, in this or a newer state; "" for none, or if
   * only likes have changed.
   */
  commentsUpTo: z.union([CommentId, z.literal("")]),
  body: PostBody.extend({ seq: z.number().int() }).optional(),
  standing: PostStanding,
  likes: z.array(LikeFact),
  comments: z.array(CommentFact),
  commentLikes: z.array(CommentLikeFact),
  /** Notices for all changes with a `seq` from `from` to `to`, inclusive. Often absent, because they are folded. */
  notices: z.object({ from: z.number().int(), to: z.number().int(), list: z.array(Notice) }).optional(),
});
export type PostFacts = z.infer<typeof PostFacts>;

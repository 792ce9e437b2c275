/**
 * The messages that travel through queues. Each is a wake-up for something that is stored: it may come twice, late, or
 * out of order, so each carries state with the version it was read at, never an increment.
 */
import { z } from "zod";
import { CommentId, EffectId, MediaId, PersonId, PostId } from "./ids.ts";

/** A person's like as it stood at `seq`. */
export const LikeFact = z.object({ person: PersonId, liked: z.boolean(), seq: z.number().int() });
export type LikeFact = z.infer<typeof LikeFact>;

export const CommentFact = z.object({
  id: CommentId,
  author: PersonId,
  text: z.string(),
  seq: z.number().int(),
});
export type CommentFact = z.infer<typeof CommentFact>;

export const PostBody = z.object({
  caption: z.string(),
  media: z.array(z.object({ id: MediaId, width: z.number(), height: z.number(), alt: z.string() })),
});
export type PostBody = z.infer<typeof PostBody>;

/** Of the likes, or of the comments, that are not the author's own: what the author is to be told. */
export const Notice = z.object({
  /** How many there are. 0 takes the notification back. */
  count: z.number().int(),
  /** The newest people, at most 3, newest first. */
  actors: z.array(PersonId),
  /** The `seq` of the last change among them, an unlike included; 0 while there never was any. */
  version: z.number().int(),
  /** The `seq` of the newest of them; 0 without any. */
  raised: z.number().int(),
  /** When that was, in milliseconds since 1970. */
  at: z.number().int(),
  excerpt: z.string().optional(),
});
export type Notice = z.infer<typeof Notice>;

/** From a post's actor to the projector: everything of its outbox with a seq from `from` to `to`, both included. */
export const PostFacts = z.object({
  post: PostId,
  author: PersonId,
  from: z.number().int(),
  to: z.number().int(),
  body: PostBody.extend({ seq: z.number().int() }).optional(),
  stats: z.object({ likes: z.number().int(), comments: z.number().int(), seq: z.number().int() }),
  likes: z.array(LikeFact),
  comments: z.array(CommentFact),
  notices: z.object({ like: Notice, comment: Notice }),
});
export type PostFacts = z.infer<typeof PostFacts>;

/** One page of a post's way into its readers' feeds; `after` is the last follower that was served. */
export const FanOut = z.object({ post: PostId, author: PersonId, after: PersonId.optional() });
export type FanOut = z.infer<typeof FanOut>;

/** What follows from a committed row of D1; the same body is stored in `effects` until it is done. */
export const Effect = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("follow"), id: EffectId, follower: PersonId, followee: PersonId }),
  z.object({ kind: z.literal("inspect"), id: EffectId, media: MediaId }),
]);
export type Effect = z.infer<typeof Effect>;

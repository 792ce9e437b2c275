/** The RPC interface of a post's actor: parameters, results and refusals. */
import type { SeenComment } from "../../schema/comments.ts";
import type { PostFacts } from "../../schema/messages/facts.ts";
import type { PostBody, PostStanding } from "../../schema/posts.ts";
import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";

/** A result or a refusal. A refusal is a value because a class thrown across RPC arrives as a plain Error. */
export type Refusable<T, Reason = never> = ({ ok: true } & T) | { ok: false; reason: "post_not_found" | Reason };
export type Stats = { likes: number; comments: number; seq: number };
/** `confirmed`: the `seq` up to which D1 has everything. `digest`: of the set of people who like the post. */
export type PostState = Stats & { confirmed: number; digest: string };
/** The whole post, as one viewer sees it: `liked` is whether they like it. */
export type Snapshot = { author: PersonId; body: PostBody; standing: PostStanding; liked: boolean; confirmed: number };
/** A comment as the person who sent the command sees it, and the post's `seq` after the command. */
export type ChangedComment = { seq: number; comment: SeenComment; pinned: boolean };
export type NewPost = {
  id: PostId;
  author: PersonId;
  caption: string;
  media: PostBody["media"];
  /** The people that the caption mentions. */
  mentions?: readonly PersonId[];
};
/** Held back for the post's author, for a moderator to look at, or for good. */
export type Held = "author" | "review" | "hidden";
export type NewComment = {
  author: PersonId;
  text: string;
  /** The comment that it replies to. */
  replyTo?: CommentId | undefined;
  /** The people that the text mentions. */
  mentions?: readonly PersonId[];
  /** Why it is not shown to others, if it is not. */
  held?: Held | undefined;
  /** Whether `author` is known to follow the post's author. */
  isFollower?: boolean;
  /** Idempotency key of `author`, valid for a day: the comment is made once, and each repetition returns it. */
  key?: string | undefined;
};
/** What a report needs to know about a comment. */
export type Reported = { author: PersonId; text: string; parent: CommentId | ""; editedAt: number | null };
export type LikeCommand = { person: PersonId; liked: boolean } & Takes;
/** `gates`: the number of LikeGates that the next likes of this post should go through; 0 while it is not hot. */
export type LikeResult = Refusable<Stats & { liked: boolean; gates: number } & HandedOut>;
/**
 * `facts`: what the caller is to project (workers/projector/handed-out.ts), if they have asked for it with `takes` and
 * the outbox does not send it itself. `fanOut`: then they are to send the post to fan-out, too.
 */
export type HandedOut = { facts?: PostFacts; fanOut?: true };
export type Takes = { takes?: boolean };
export type CommentRefusal =
  "comment_not_found" | "comments_off" | "followers_only" | "too_many_comments" | "idempotency_key_reused";

export const POST_NOT_FOUND = { ok: false, reason: "post_not_found" } as const;
export const COMMENT_NOT_FOUND = { ok: false, reason: "comment_not_found" } as const;
export const NOT_YOURS = { ok: false, reason: "not_yours" } as const;

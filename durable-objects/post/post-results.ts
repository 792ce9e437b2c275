/** What a post's actor is asked and answers, over RPC. */
import type { PostBody, PostStanding, SeenComment } from "../../schema/messages/facts.ts";
import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";

/** A refusal is a value: a class thrown across RPC arrives as a plain Error, and its kind is lost. */
export type Refusable<T, Reason = never> = ({ ok: true } & T) | { ok: false; reason: "post_not_found" | Reason };
export type Stats = { likes: number; comments: number; seq: number };
/** `confirmed`: the `seq` up to which D1 has everything. `digest`: of the people who like the post. */
export type PostState = Stats & { confirmed: number; digest: string };
/** A post as it stands, whole. */
export type Snapshot = { body: PostBody; standing: PostStanding; liked: boolean; confirmed: number };
export type OnComment = { seq: number; comment: SeenComment; pinned: boolean };
export type NewPost = {
  id: PostId;
  author: PersonId;
  caption: string;
  media: PostBody["media"];
  /** Whom the caption mentions. */
  mentions?: readonly PersonId[];
};
export type NewComment = {
  author: PersonId;
  text: string;
  /** The comment that it replies to. */
  replyTo?: CommentId | undefined;
  /** Whom the text mentions. */
  mentions?: readonly PersonId[];
  /** Whether `author` is known to follow the post's author. */
  isFollower?: boolean;
  /** Under the same key (of `author`, for a day) the same comment is made once, and is answered each time. */
  key?: string | undefined;
};
export type LikeCommand = { person: PersonId; liked: boolean };
/** `gates`: through how many LikeGates the next likes of this post should come; 0 while it is not hot. */
export type LikeAnswer = Refusable<Stats & { liked: boolean; gates: number }>;
export type CommentRefusal =
  "comment_not_found" | "comments_off" | "followers_only" | "too_many_comments" | "idempotency_key_reused";

export const NOT_FOUND = { ok: false, reason: "post_not_found" } as const;
export const NO_COMMENT = { ok: false, reason: "comment_not_found" } as const;
export const NOT_YOURS = { ok: false, reason: "not_yours" } as const;

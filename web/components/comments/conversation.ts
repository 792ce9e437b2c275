import type { Signal } from "@preact/signals";
import type { CachedComment } from "../../state/comments.ts";
import type { CachedPost } from "../../state/posts.ts";

/** The state that the comments under a post share. */
export type Conversation = {
  post: CachedPost;
  mayWrite: boolean;
  /** The comment that the form replies to. */
  replyTo: Signal<CachedComment | undefined>;
};

export const COMMENTS_TITLE = "comments-title";
export const COMMENT_TEXT = "comment-text";
/** The id of a comment's element. */
export const elementIdOf = ({ id }: CachedComment): string => `comment-${id}`;
/** The id of a comment's menu button. */
export const menuIdOf = ({ id }: CachedComment): string => `menu-${id}`;

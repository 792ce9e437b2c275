import type { Signal } from "@preact/signals";
import type { KeptComment } from "../comments.ts";
import type { KeptPost } from "../posts.ts";

/** The state that the comments under a post share. */
export type Conversation = {
  post: KeptPost;
  mayWrite: boolean;
  /** The comment that the form replies to. */
  replyTo: Signal<KeptComment | undefined>;
};

export const COMMENTS_TITLE = "comments-title";
export const COMMENT_TEXT = "comment-text";
/** The id of a comment's element. */
export const elementIdOf = ({ id }: KeptComment): string => `comment-${id}`;
/** The id of a comment's menu button. */
export const menuIdOf = ({ id }: KeptComment): string => `menu-${id}`;

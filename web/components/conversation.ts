import type { Signal } from "@preact/signals";
import type { KeptComment } from "../comments.ts";
import type { KeptPost } from "../posts.ts";

/** What everything under a post shares. */
export type Conversation = {
  post: KeptPost;
  mayWrite: boolean;
  /** The comment that is being answered. */
  answered: Signal<KeptComment | undefined>;
};

export const COMMENTS_TITLE = "comments-title";
export const COMMENT_TEXT = "comment-text";
export const placeOf = ({ id }: KeptComment): string => `comment-${id}`;
export const menuOf = ({ id }: KeptComment): string => `menu-${id}`;

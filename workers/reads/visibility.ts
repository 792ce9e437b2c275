import type { PersonId } from "../../schema/ids.ts";
import type { PostDocument, PostStats } from "./documents.ts";

/** What is known of a post: a document that may be minutes old, and what must be true at once. */
export type KnownPost = { document: PostDocument; stats: PostStats };

/**
 * Whether `viewer` (undefined: nobody is signed in) may see the post. Every path that shows a post, its comments, who
 * likes it or a notification of it asks here and nowhere else. Today every post is public until it is gone.
 */
export function canView<Post extends KnownPost>(_viewer: PersonId | undefined, post: Post | undefined): post is Post {
  return post !== undefined && !post.stats.deleted;
}

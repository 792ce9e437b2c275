import type { PersonId } from "../../schema/ids.ts";
import type { PostDocument } from "./documents.ts";

/**
 * Whether `viewer` (undefined: nobody is signed in) may see the post. Every path that shows a post, its comments or its
 * pictures asks here and nowhere else. Today every published post is public.
 */
export function canView(_viewer: PersonId | undefined, post: PostDocument | undefined): post is PostDocument {
  return post !== undefined;
}

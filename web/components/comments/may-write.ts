import { useEffect } from "preact/hooks";
import { mightFollow, readFollow } from "../../state/follows.ts";
import type { CachedPost } from "../../state/posts.ts";
import { me } from "../../state/session.ts";

export type MayWrite = "yes" | "signed out" | "off" | "followers";

/** Whether the viewer may comment on a post, or the reason why not. Costs a request when it depends on a follow. */
export function useMayWrite(post: CachedPost): MayWrite {
  const { author, commentPolicy } = post.value;
  const person = me.value;
  const isUnrestricted = person?.id === author.id || commentPolicy === "everyone";
  const dependsOnFollow = person !== undefined && !isUnrestricted && commentPolicy === "followers";
  useEffect(() => {
    if (dependsOnFollow) void readFollow(author.handle);
  }, [dependsOnFollow, author.handle]);

  if (!person) return "signed out";
  if (isUnrestricted || (dependsOnFollow && mightFollow(author.handle))) return "yes";
  return commentPolicy === "off" ? "off" : "followers";
}

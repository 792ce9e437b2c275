import { useEffect } from "preact/hooks";
import { mayFollow, readFollow } from "../follows.ts";
import type { KeptPost } from "../posts.ts";
import { me } from "../session.ts";

export type MayWrite = "yes" | "signed out" | "off" | "followers";

/** Whether the person may comment on a post, and why not. */
export function useMayWrite(post: KeptPost): MayWrite {
  const { author, commentPolicy } = post.value;
  const person = me.value;
  const isFree = person?.id === author.id || commentPolicy === "everyone";
  const depends = person !== undefined && !isFree && commentPolicy === "followers";
  useEffect(() => {
    if (depends) void readFollow(author.handle);
  }, [depends, author.handle]);

  if (!person) return "signed out";
  if (isFree || (depends && mayFollow(author.handle))) return "yes";
  return commentPolicy === "off" ? "off" : "followers";
}

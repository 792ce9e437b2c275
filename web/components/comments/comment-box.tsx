import type { Signal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { focusSoon } from "../../browser/focus.ts";
import type { CachedComment, Thread } from "../../state/comments.ts";
import { nameOf } from "../../words/names.ts";
import { FollowButton } from "../people/follow-button.tsx";
import { CommentForm } from "./comment-form.tsx";
import { COMMENT_TEXT, type Conversation } from "./conversation.ts";
import type { MayWrite } from "./may-write.ts";

type Props = {
  conversation: Conversation;
  mayWrite: MayWrite;
  thread: Thread;
  text: Signal<string>;
  onWritten: (comment: CachedComment) => void;
};

/** The comment form; for a viewer who may not comment, the reason and what to do about it. */
export function CommentBox({ mayWrite, ...form }: Props) {
  const { path } = useLocation();
  const { author } = form.conversation.post.value;
  if (mayWrite === "yes") return <CommentForm {...form} />;
  return (
    <div class="comment-form comment-form-shut soft">
      {mayWrite === "signed out" && (
        <p>
          <a href={`/sign-in?then=${encodeURIComponent(path)}`}>Sign in</a> to like and comment.
        </p>
      )}
      {mayWrite === "off" && <p>{nameOf(author)} turned off comments for this post.</p>}
      {mayWrite === "followers" && (
        <>
          <p>Only people who follow {nameOf(author)} can comment here.</p>
          <FollowButton person={author} onChange={(now) => now === "followed" && focusSoon(COMMENT_TEXT)} />
        </>
      )}
    </div>
  );
}

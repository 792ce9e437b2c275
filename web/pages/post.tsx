import { useSignal } from "@preact/signals";
import { useRoute } from "preact-iso";
import { api } from "../api/api.ts";
import { useLoad } from "../api/load.ts";
import { focusSoon } from "../browser/focus.ts";
import { Comments } from "../components/comments/comments.tsx";
import { Edited } from "../components/common/edited.tsx";
import { Prose } from "../components/common/prose.tsx";
import { Failure, PostSkeleton } from "../components/common/states.tsx";
import { Time } from "../components/common/time.tsx";
import { LikeButton, useLike } from "../components/controls/like-button.tsx";
import { TextEditor } from "../components/controls/text-editor.tsx";
import { useTitle } from "../components/frame/title.ts";
import { Album } from "../components/media/album.tsx";
import { Portrait } from "../components/people/portrait.tsx";
import { POST_MENU, PostMenu } from "../components/posts/post-menu.tsx";
import { ReportMenu } from "../components/posts/report-menu.tsx";
import { CAPTION_MAX } from "../limits.ts";
import { editPost, type CachedPost, cachePost, cachedPost, likePost, renewMedia } from "../state/posts.ts";
import { me } from "../state/session.ts";
import { counted } from "../words/counts.ts";
import { nameOf } from "../words/names.ts";
import { isUnknownPost, NotFoundPage } from "./not-found.tsx";

/** The space for a picture beside its comments, or above them: post.css. */
const FRAME = [
  { when: "(min-width: 960px)", width: "calc(100vw - 30rem)", height: "(100svh - 9rem)" },
  { width: "100vw", height: "78svh" },
];
const TITLE_LENGTH = 60;

export function PostPage() {
  const id = useRoute().params["id"] ?? "";
  return <PostWith key={id} id={id} />;
}

function PostWith({ id }: { id: string }) {
  const { value, problem, reload } = useLoad(`${id} ${me.value?.id}`, async () => cachePost(await api.post(id)));
  // A post that the feed has already read is shown at once, and updated when the response arrives.
  const post = value.value ?? cachedPost(id);

  if (isUnknownPost(id, problem.value)) return <NotFoundPage what="Post" />;
  if (post) return <Shown post={post} />;
  if (problem.value) return <Failure problem={problem.value} retry={reload} />;
  return (
    <div class="feed">
      <PostSkeleton />
    </div>
  );
}

function Shown({ post }: { post: CachedPost }) {
  const setLiked = useLike((liked) => likePost(post, liked));
  const editing = useSignal(false);
  const { author, caption, media, takenDown } = post.value;
  useTitle(`${nameOf(author)}${caption ? `: ${caption.slice(0, TITLE_LENGTH)}` : ""}`);
  return (
    <article class="post-page">
      <h1 class="unseen">Post by {nameOf(author)}</h1>
      <div class="post-stage">
        <Album media={media} frame={FRAME} eager onLike={() => setLiked(true)} onStale={() => renewMedia(post)} />
      </div>
      <div class="post-side">
        <header class="post-head">
          <a class="byline" href={`/people/${author.handle}`}>
            <Portrait person={author} size="medium" />
            <span class="byline-names">
              <span class="byline-name">{nameOf(author)}</span>
              <span class="soft">@{author.handle}</span>
            </span>
          </a>
          <div class="post-actions">
            <LikeButton of={post.value} showsCount={false} set={setLiked} />
            {me.value?.id === author.id && <PostMenu post={post} editCaption={() => (editing.value = true)} />}
            {me.value && me.value.id !== author.id && <ReportMenu post={post} />}
          </div>
        </header>
        {takenDown && (
          <p class="suspended" role="status">
            A moderator has taken this post down: nobody else sees it.{" "}
            {me.value?.id === author.id && <a href="/decisions">Read why</a>}
          </p>
        )}
        {editing.value ? <CaptionEditor post={post} close={() => (editing.value = false)} /> : <Words text={caption} />}
        <Facts post={post} />
        <Comments post={post} />
      </div>
    </article>
  );
}

const Words = ({ text }: { text: string }) =>
  text === "" ? null : (
    <p class="prose">
      <Prose text={text} />
    </p>
  );

function CaptionEditor({ post, close }: { post: CachedPost; close: () => void }) {
  const { id, caption } = post.value;
  return (
    <TextEditor
      label="Caption"
      text={caption}
      max={CAPTION_MAX}
      mayBeEmpty
      save={(changed) => editPost(id, { caption: changed })}
      close={() => {
        close();
        focusSoon(POST_MENU);
      }}
    />
  );
}

function Facts({ post }: { post: CachedPost }) {
  const { id, createdAt, editedAt, likes, comments } = post.value;
  return (
    <p class="soft post-facts">
      <Time at={createdAt} />
      <Edited at={editedAt} /> <Dot />{" "}
      {likes > 0 ? <a href={`/posts/${id}/likes`}>{counted(likes, "like")}</a> : "No likes yet"} <Dot />{" "}
      {counted(comments, "comment")}
    </p>
  );
}

const Dot = () => <span aria-hidden="true">·</span>;

import { useRoute } from "preact-iso";
import { api } from "../api.ts";
import { Album } from "../components/album.tsx";
import { Comments } from "../components/comments.tsx";
import { LikeButton, useLike } from "../components/like-button.tsx";
import { Monogram, nameOf } from "../components/monogram.tsx";
import { Prose } from "../components/prose.tsx";
import { Failure, PostSkeleton } from "../components/states.tsx";
import { Time } from "../components/time.tsx";
import { useLoad } from "../load.ts";
import { type KeptPost, keepPost, knownPost } from "../posts.ts";
import { me } from "../session.ts";
import { useTitle } from "../title.ts";
import { counted } from "../words.ts";
import { NotFoundPage } from "./not-found.tsx";

const SIZES = "(min-width: 960px) calc(100vw - 30rem), 100vw";
const TITLE_LENGTH = 60;

export function PostPage() {
  const id = useRoute().params["id"] ?? "";
  return <PostWith key={id} id={id} />;
}

function PostWith({ id }: { id: string }) {
  const { value, problem, reload } = useLoad(`${id} ${me.value?.id}`, async () => keepPost(await api.post(id)));
  // What the feed knows is shown at once; what has come since then follows.
  const post = value.value ?? knownPost(id);
  const code = problem.value?.code;

  if (code === "post_not_found" || code === "invalid_request") return <NotFoundPage what="post" />;
  if (post) return <Shown post={post} />;
  if (problem.value) return <Failure problem={problem.value} retry={reload} />;
  return (
    <div class="feed">
      <PostSkeleton />
    </div>
  );
}

function Shown({ post }: { post: KeptPost }) {
  const setLiked = useLike(post);
  const { id, author, caption, media, createdAt, comments } = post.value;
  useTitle(`${nameOf(author)}${caption ? `: ${caption.slice(0, TITLE_LENGTH)}` : ""}`);
  return (
    <article class="post-page">
      <h1 class="unseen">Post by {nameOf(author)}</h1>
      <div class="post-stage">
        <Album pictures={media} sizes={SIZES} eager onLike={() => setLiked(true)} />
      </div>
      <div class="post-side">
        <header class="post-head">
          <a class="byline" href={`/people/${author.handle}`}>
            <Monogram person={author} size="medium" />
            <span class="byline-names">
              <span class="byline-name">{nameOf(author)}</span>
              <span class="soft">@{author.handle}</span>
            </span>
          </a>
          <LikeButton post={post} />
        </header>
        {caption && (
          <p class="prose">
            <Prose text={caption} />
          </p>
        )}
        <p class="soft post-facts">
          <Time at={createdAt} /> <span aria-hidden="true">·</span> {counted(comments, "comment")}
        </p>
        <Comments id={id} post={post} />
      </div>
    </article>
  );
}

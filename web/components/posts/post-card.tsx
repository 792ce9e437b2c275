import { useLiveCounts } from "../../state/live-counts.ts";
import { type CachedPost, likePost, renewMedia } from "../../state/posts.ts";
import { count, counted } from "../../words/counts.ts";
import { nameOf } from "../../words/names.ts";
import { Edited } from "../common/edited.tsx";
import { Icon } from "../common/icon.tsx";
import { Time } from "../common/time.tsx";
import { LikeButton, useLike } from "../controls/like-button.tsx";
import { Album } from "../media/album.tsx";
import { Portrait } from "../people/portrait.tsx";
import { Caption } from "./caption.tsx";

/** The space for a picture in the feed: album.css, post.css. */
const FRAME = [
  { when: "(min-width: 720px)", width: "680px", height: "max(24rem, 100svh - 14rem)" },
  { width: "100vw", height: "max(24rem, 100svh - 13rem)" },
];

/** A post in the feed: the album first, and under it a label as in a gallery. */
export function PostCard({ post, eager }: { post: CachedPost; eager: boolean }) {
  const setLiked = useLike((liked) => likePost(post, liked));
  const card = useLiveCounts(post);
  const { id, author, caption, media, comments, createdAt, editedAt } = post.value;
  return (
    <article ref={card} class="post" aria-label={`Post by ${nameOf(author)}`}>
      <Album media={media} frame={FRAME} eager={eager} onLike={() => setLiked(true)} onStale={() => renewMedia(post)} />
      <div class="post-label">
        <div class="post-head">
          <a href={`/people/${author.handle}`} tabIndex={-1} aria-hidden="true">
            <Portrait person={author} size="medium" />
          </a>
          <div class="byline-names">
            <a class="byline-name" href={`/people/${author.handle}`}>
              {nameOf(author)}
            </a>
            <a class="soft" href={`/posts/${id}`}>
              <Time at={createdAt} />
              <Edited at={editedAt} />
            </a>
          </div>
          <div class="post-actions">
            <LikeButton of={post.value} set={setLiked} />
            <a class="action" href={`/posts/${id}`} aria-label={`Open, ${counted(comments, "comment")}`}>
              <Icon name="comment" />
              <span class="action-count">{count(comments)}</span>
            </a>
          </div>
        </div>
        <Caption text={caption} />
      </div>
    </article>
  );
}

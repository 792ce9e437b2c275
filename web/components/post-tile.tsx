import type { KeptPost } from "../posts.ts";
import { count, counted } from "../words.ts";
import { Icon } from "./icon.tsx";
import { Photograph } from "./photograph.tsx";

const SIZES = "(min-width: 1000px) 318px, 33vw";
const WORDS = 80;

/** A post as one square of a grid. */
export function PostTile({ post, eager }: { post: KeptPost; eager: boolean }) {
  const { id, media, likes, comments, caption } = post.value;
  const [cover] = media;
  if (!cover) return null;
  const says = cover.alt || caption.slice(0, WORDS) || "Photograph";
  return (
    <li class="tile">
      <a href={`/posts/${id}`} aria-label={`${says}. ${counted(likes, "like")}, ${counted(comments, "comment")}`}>
        <Photograph picture={cover} sizes={SIZES} eager={eager} alt="" class="tile-picture" />
        {media.length > 1 && (
          <span class="tile-album">
            <Icon name="album" />
          </span>
        )}
        <span class="tile-counts">
          <Icon name="heart" filled /> {count(likes)}
          <Icon name="comment" filled /> {count(comments)}
        </span>
      </a>
    </li>
  );
}

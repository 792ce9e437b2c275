import type { ShownMedia } from "../../schema/api/media.ts";
import { clock } from "../media-words.ts";
import { type KeptPost, renewMedia } from "../posts.ts";
import { count, counted } from "../words.ts";
import { Icon } from "./icon.tsx";
import { SquarePhotograph } from "./photograph.tsx";

const SIZES = "(min-width: 1000px) 318px, 33vw";
const WORDS = 80;

/** A post as one square of a grid. */
export function PostTile({ post, eager }: { post: KeptPost; eager: boolean }) {
  const { id, media, likes, comments, caption } = post.value;
  const [cover] = media;
  if (!cover) return null;
  const says = cover.alt || caption.slice(0, WORDS) || (cover.video ? "Video" : "Photograph");
  return (
    <li class="tile">
      <a href={`/posts/${id}`} aria-label={`${says}. ${counted(likes, "like")}, ${counted(comments, "comment")}`}>
        {cover.urls ? (
          <SquarePhotograph picture={cover} sizes={SIZES} eager={eager} onStale={() => renewMedia(post)} />
        ) : (
          <span class="tile-picture tile-blank">
            <Icon name="play" filled />
          </span>
        )}
        <Mark cover={cover} of={media.length} />
        <span class="tile-counts">
          <Icon name="heart" filled /> {count(likes)}
          <Icon name="comment" filled /> {count(comments)}
        </span>
      </a>
    </li>
  );
}

/** In the corner, for what is not one picture. */
function Mark({ cover: { video }, of }: { cover: ShownMedia; of: number }) {
  if (!video && of === 1) return null;
  return (
    <span class="tile-mark">
      {video && clock(video.durationMs)}
      {video && <Icon name="play" filled />}
      {of > 1 && <Icon name="album" />}
    </span>
  );
}

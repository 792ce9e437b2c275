import type { ShownMedia } from "../../../schema/api/media.ts";
import { type CachedPost, renewMedia } from "../../state/posts.ts";
import { count, counted } from "../../words/counts.ts";
import { clock } from "../../words/media.ts";
import { Icon } from "../common/icon.tsx";
import { SquarePhotograph } from "../media/photograph.tsx";

const SIZES = "(min-width: 1000px) 318px, 33vw";
/** The most characters of a caption that describe a tile. */
const CAPTION_LENGTH = 80;

/** A post as one square tile of a grid. */
export function PostTile({ post, eager }: { post: CachedPost; eager: boolean }) {
  const { id, media, likes, comments, caption } = post.value;
  const [cover] = media;
  if (!cover) return null;
  const label = cover.alt || caption.slice(0, CAPTION_LENGTH) || (cover.video ? "Video" : "Photo");
  return (
    <li class="tile">
      <a href={`/posts/${id}`} aria-label={`${label}. ${counted(likes, "like")}, ${counted(comments, "comment")}`}>
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

/** A mark in the corner of a tile that is a video or an album. */
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

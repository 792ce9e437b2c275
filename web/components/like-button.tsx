import { useLocation } from "preact-iso";
import { type KeptPost, like } from "../posts.ts";
import { me } from "../session.ts";
import { count, counted } from "../words.ts";
import { Icon } from "./icon.tsx";

export function LikeButton({ post }: { post: KeptPost }) {
  const setLiked = useLike(post);
  const { likedByMe, likes } = post.value;
  return (
    <button
      class="action like"
      type="button"
      aria-pressed={likedByMe}
      aria-label={`Like, ${counted(likes, "like")}`}
      onClick={() => setLiked(!likedByMe)}
    >
      <Icon name="heart" filled={likedByMe} />
      <span class="action-count">{count(likes)}</span>
    </button>
  );
}

/** Likes, or asks to sign in first and come back. */
export function useLike(post: KeptPost): (liked: boolean) => void {
  const { route, path } = useLocation();
  return (liked) => {
    if (me.value) void like(post, liked);
    else route(`/sign-in?then=${encodeURIComponent(path)}`);
  };
}

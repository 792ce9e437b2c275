import { useLocation } from "preact-iso";
import { me } from "../session.ts";
import { count, counted } from "../words.ts";
import { Icon } from "./icon.tsx";

type Props = { of: { likes: number; likedByMe: boolean }; showsCount?: boolean; set: (liked: boolean) => void };

/** For a post or a comment. A screen reader hears how many like it, also where the number stands elsewhere. */
export const LikeButton = ({ of: { likes, likedByMe }, showsCount = true, set }: Props) => (
  <button
    class="action like"
    type="button"
    aria-pressed={likedByMe}
    aria-label={`Like, ${counted(likes, "like")}`}
    onClick={() => set(!likedByMe)}
  >
    <Icon name="heart" filled={likedByMe} />
    {showsCount && <span class="action-count">{count(likes)}</span>}
  </button>
);

/** Likes, or asks to sign in first and come back. */
export function useLike(send: (liked: boolean) => Promise<void>): (liked: boolean) => void {
  const { route, path } = useLocation();
  return (liked) => {
    if (me.value) void send(liked);
    else route(`/sign-in?then=${encodeURIComponent(path)}`);
  };
}

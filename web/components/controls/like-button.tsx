import { useLocation } from "preact-iso";
import { me } from "../../state/session.ts";
import { count, counted } from "../../words/counts.ts";
import { Icon } from "../common/icon.tsx";

type Props = { of: { likes: number; likedByMe: boolean }; showsCount?: boolean; set: (liked: boolean) => void };

/** Likes a post or comment. Screen readers get the count even where it is shown elsewhere. */
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

/** Returns a function that likes, or sends an anonymous viewer to sign in and come back. */
export function useLike(send: (liked: boolean) => Promise<void>): (liked: boolean) => void {
  const { route, path } = useLocation();
  return (liked) => {
    if (me.value) void send(liked);
    else route(`/sign-in?then=${encodeURIComponent(path)}`);
  };
}

import { useLocation } from "preact-iso";
import type { PersonCard } from "../../schema/api/people.ts";
import { follow, followed } from "../follows.ts";
import { me } from "../session.ts";
import { nameOf } from "./monogram.tsx";

type Props = { person: PersonCard; onChange?: (followed: boolean) => void };

/** `onChange` is told at once, and told the opposite when it could not be saved. */
export function FollowButton({ person, onChange }: Props) {
  const { route, path } = useLocation();
  const isFollowed = followed(person.handle);
  const says = isFollowed ? "Following" : "Follow";

  const press = async () => {
    if (!me.value) {
      route(`/sign-in?then=${encodeURIComponent(path)}`);
      return;
    }
    onChange?.(!isFollowed);
    if (!(await follow(person.handle, !isFollowed))) onChange?.(isFollowed);
  };

  return (
    <button
      class={isFollowed ? "button" : "button button-main"}
      type="button"
      aria-label={`${says} ${nameOf(person)}`}
      onClick={() => void press()}
    >
      {says}
    </button>
  );
}

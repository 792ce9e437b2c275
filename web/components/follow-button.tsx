import { useLocation } from "preact-iso";
import type { PersonCard } from "../../schema/api/people.ts";
import { follow, type FollowState, followState } from "../follows.ts";
import { me } from "../session.ts";
import { nameOf } from "./monogram.tsx";

type Props = {
  person: PersonCard;
  /** They are known to be private: then it is a request. */
  isPrivate?: boolean;
  onChange?: (now: FollowState, before: FollowState) => void;
};

const SAYS: Record<FollowState, string> = { none: "Follow", requested: "Requested", followed: "Following" };

/** `onChange` is told when it is saved. */
export function FollowButton({ person, isPrivate = false, onChange }: Props) {
  const { route, path } = useLocation();
  const state = followState(person.handle);
  const says = state === "none" && isPrivate ? "Request" : SAYS[state];

  const press = async () => {
    if (!me.value) {
      route(`/sign-in?then=${encodeURIComponent(path)}`);
      return;
    }
    const now = await follow(person.handle, state === "none", isPrivate);
    if (now !== state) onChange?.(now, state);
  };

  return (
    <button
      class={state === "none" ? "button button-main" : "button"}
      type="button"
      aria-label={says === "Request" ? `Request to follow ${nameOf(person)}` : `${says} ${nameOf(person)}`}
      onClick={() => void press()}
    >
      {says}
    </button>
  );
}

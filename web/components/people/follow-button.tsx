import { useLocation } from "preact-iso";
import type { PersonCard } from "../../../schema/api/people.ts";
import { follow, type FollowState, followState } from "../../state/follows.ts";
import { me } from "../../state/session.ts";
import { nameOf } from "../../words/names.ts";

type Props = {
  person: PersonCard;
  /** Whether the person is known to be private, so that following is a request. */
  isPrivate?: boolean;
  onChange?: (now: FollowState, before: FollowState) => void;
};

const LABELS: Record<FollowState, string> = { none: "Follow", requested: "Requested", followed: "Following" };

/** Follows, requests to follow, or undoes either. `onChange` is called once that is saved. */
export function FollowButton({ person, isPrivate = false, onChange }: Props) {
  const { route, path } = useLocation();
  const state = followState(person.handle);
  const label = state === "none" && isPrivate ? "Request" : LABELS[state];

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
      aria-label={label === "Request" ? `Request to follow ${nameOf(person)}` : `${label} ${nameOf(person)}`}
      onClick={() => void press()}
    >
      {label}
    </button>
  );
}

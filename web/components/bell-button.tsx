import { useSignal } from "@preact/signals";
import type { Profile } from "../../schema/api/people.ts";
import { api } from "../api.ts";
import { asProblem } from "../problem.ts";
import { tell } from "../toast.ts";
import { Icon } from "./icon.tsx";
import { nameOf } from "./monogram.tsx";

/** Beside whom one follows: whether one is told of each new post of theirs. */
export function BellButton({ profile, onChange }: { profile: Profile; onChange: (bellByMe: boolean) => void }) {
  const busy = useSignal(false);
  const { handle, bellByMe } = profile;

  const press = async () => {
    if (busy.value) return;
    busy.value = true;
    try {
      const answer = await api.bell(handle, !bellByMe);
      onChange(answer.bellByMe);
      tell(answer.bellByMe ? `You are told of ${nameOf(profile)}’s new photographs` : "You are told no more");
    } catch (error) {
      tell(`That was not saved. ${asProblem(error).message}`, "error");
    } finally {
      busy.value = false;
    }
  };

  return (
    <button
      class="icon-button"
      type="button"
      aria-pressed={bellByMe}
      aria-label={`Tell me of ${nameOf(profile)}’s new photographs`}
      onClick={() => void press()}
    >
      <Icon name="bell" filled={bellByMe} />
    </button>
  );
}

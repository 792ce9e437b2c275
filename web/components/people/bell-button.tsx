import { useSignal } from "@preact/signals";
import type { Profile } from "../../../schema/api/people.ts";
import { api } from "../../api/api.ts";
import { asProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { nameOf } from "../../words/names.ts";
import { Icon } from "../common/icon.tsx";

/** Turns notifications of a followed person's new posts on and off. */
export function BellButton({ profile, onChange }: { profile: Profile; onChange: (bellByMe: boolean) => void }) {
  const busy = useSignal(false);
  const { handle, bellByMe } = profile;

  const press = async () => {
    if (busy.value) return;
    busy.value = true;
    try {
      const saved = await api.bell(handle, !bellByMe);
      onChange(saved.bellByMe);
      const name = nameOf(profile);
      showToast(
        saved.bellByMe ? `You’ll be notified of ${name}’s new posts` : `Notifications of ${name}’s posts are off`,
      );
    } catch (error) {
      showToast(`Couldn’t save that. ${asProblem(error).message}`, "error");
    } finally {
      busy.value = false;
    }
  };

  return (
    <button
      class="icon-button"
      type="button"
      aria-pressed={bellByMe}
      aria-label={`Notify me of ${nameOf(profile)}’s new posts`}
      onClick={() => void press()}
    >
      <Icon name="bell" filled={bellByMe} />
    </button>
  );
}

import { useSignal } from "@preact/signals";
import type { PersonCard } from "../../../schema/api/people.ts";
import { api } from "../../api/api.ts";
import { asProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { forgetLists } from "../../state/list.ts";
import { me, setMe } from "../../state/session.ts";
import { nameOf } from "../../words/names.ts";

type Props = { person: PersonCard; onDecision: () => void };

/** Accepts or declines a person's request to follow. */
export function DecisionButtons({ person, onDecision }: Props) {
  const busy = useSignal(false);
  const name = nameOf(person);

  const decide = async (accept: boolean) => {
    if (busy.value) return;
    busy.value = true;
    try {
      await api.decide(person.handle, accept);
      forgetLists();
      setMe({ requests: Math.max(0, (me.value?.requests ?? 1) - 1) });
      showToast(accept ? `${name} now follows you` : `You declined ${name}’s request`);
      onDecision();
    } catch (error) {
      const problem = asProblem(error);
      // The person has withdrawn the request.
      if (problem.code === "request_not_found") onDecision();
      showToast(`Couldn’t save that. ${problem.message}`, "error");
    } finally {
      busy.value = false;
    }
  };
  return (
    <span class="answers">
      <button
        class="button button-main"
        type="button"
        aria-label={`Accept ${name}`}
        aria-disabled={busy}
        onClick={() => void decide(true)}
      >
        Accept
      </button>
      <button
        class="button"
        type="button"
        aria-label={`Decline ${name}`}
        aria-disabled={busy}
        onClick={() => void decide(false)}
      >
        Decline
      </button>
    </span>
  );
}

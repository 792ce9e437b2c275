import { useSignal } from "@preact/signals";
import type { PersonCard } from "../../schema/api/people.ts";
import { api } from "../api.ts";
import { forgetLists } from "../list.ts";
import { asProblem } from "../problem.ts";
import { me, setMe } from "../session.ts";
import { tell } from "../toast.ts";
import { nameOf } from "./monogram.tsx";

type Props = { person: PersonCard; onAnswer: () => void };

/** What to answer to who asks to follow. */
export function AnswerButtons({ person, onAnswer }: Props) {
  const busy = useSignal(false);
  const name = nameOf(person);

  const answer = async (accept: boolean) => {
    if (busy.value) return;
    busy.value = true;
    try {
      await api.answer(person.handle, accept);
      forgetLists();
      setMe({ requests: Math.max(0, (me.value?.requests ?? 1) - 1) });
      tell(accept ? `${name} follows you now` : `You have declined ${name}’s request`);
      onAnswer();
    } catch (error) {
      const problem = asProblem(error);
      // They have taken it back.
      if (problem.code === "request_not_found") onAnswer();
      tell(`That was not saved. ${problem.message}`, "error");
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
        onClick={() => void answer(true)}
      >
        Accept
      </button>
      <button
        class="button"
        type="button"
        aria-label={`Decline ${name}`}
        aria-disabled={busy}
        onClick={() => void answer(false)}
      >
        Decline
      </button>
    </span>
  );
}

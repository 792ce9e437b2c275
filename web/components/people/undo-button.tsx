import { useSignal } from "@preact/signals";
import type { PersonCard } from "../../../schema/api/people.ts";
import { nameOf } from "../../words/names.ts";

type Props = { person: PersonCard; action: string; undo: () => Promise<unknown> };

/** Unmutes or unblocks a person. That does no harm, so it does not ask first. */
export function UndoButton({ person, action, undo }: Props) {
  const busy = useSignal(false);
  const press = async () => {
    if (busy.value) return;
    busy.value = true;
    await undo();
    busy.value = false;
  };
  return (
    <button
      class="button"
      type="button"
      aria-label={`${action} ${nameOf(person)}`}
      aria-disabled={busy}
      onClick={() => void press()}
    >
      {action}
    </button>
  );
}

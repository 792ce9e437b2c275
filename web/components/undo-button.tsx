import { useSignal } from "@preact/signals";
import type { PersonCard } from "../../schema/api/people.ts";
import { nameOf } from "./monogram.tsx";

type Props = { person: PersonCard; does: string; undo: () => Promise<unknown> };

/** Takes back what was done to somebody: that does no harm, so nothing is asked. */
export function UndoButton({ person, does, undo }: Props) {
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
      aria-label={`${does} ${nameOf(person)}`}
      aria-disabled={busy}
      onClick={() => void press()}
    >
      {does}
    </button>
  );
}

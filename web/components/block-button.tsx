import { useSignal } from "@preact/signals";
import { useId, useRef } from "preact/hooks";
import type { PersonCard } from "../../schema/api/people.ts";
import { block } from "../blocks.ts";
import { nameOf } from "./monogram.tsx";

type Props = { person: PersonCard; blocked: boolean; onChange: (blocked: boolean) => void };

/** Asks before it blocks; an unblock does no harm. */
export function BlockButton({ person, blocked, onChange }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const busy = useSignal(false);
  const title = useId();
  const name = nameOf(person);

  const set = async (wanted: boolean) => {
    if (busy.value) return;
    busy.value = true;
    const saved = await block(person.handle, wanted);
    busy.value = false;
    dialog.current?.close();
    if (saved) onChange(wanted);
  };
  if (blocked) {
    return (
      <button
        class="button"
        type="button"
        aria-label={`Unblock ${name}`}
        aria-disabled={busy}
        onClick={() => void set(false)}
      >
        Unblock
      </button>
    );
  }
  return (
    <>
      <button
        class="button button-plain"
        type="button"
        aria-label={`Block ${name}`}
        onClick={() => dialog.current?.showModal()}
      >
        Block
      </button>
      <dialog class="dialog" ref={dialog} aria-labelledby={title}>
        <h2 id={title}>Block {name}?</h2>
        <p>
          Neither of you will see the other’s photographs and comments, and neither will follow the other any more. They
          are not told.
        </p>
        <p class="buttons">
          <button class="button button-main" type="button" aria-disabled={busy} onClick={() => void set(true)}>
            Block
          </button>
          <button class="button" type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </p>
      </dialog>
    </>
  );
}

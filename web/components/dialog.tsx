import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

type Props = { title: string; says: string; isGrave?: boolean; close: () => void; children: ComponentChildren };

/** Over everything else while it is there. Escape and a click beside it close it, and the focus goes back. */
export function Dialog({ title, says, isGrave = false, close, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close();
  }, []);

  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={id}
      aria-describedby={`${id}-says`}
      role={isGrave ? "alertdialog" : "dialog"}
      onClose={close}
      onClick={({ target, currentTarget }) => {
        if (target === currentTarget) close();
      }}
    >
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        <p id={`${id}-says`} class="soft">
          {says}
        </p>
        {children}
      </div>
    </dialog>
  );
}

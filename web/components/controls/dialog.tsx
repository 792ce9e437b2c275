import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

type Props = {
  title: string;
  description: string;
  isDestructive?: boolean;
  close: () => void;
  children: ComponentChildren;
};

/** A modal dialog. Escape and a click outside close it, and the focus goes back to where it was. */
export function Dialog({ title, description, isDestructive = false, close, children }: Props) {
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
      aria-describedby={`${id}-description`}
      role={isDestructive ? "alertdialog" : "dialog"}
      onClose={close}
      onClick={({ target, currentTarget }) => {
        if (target === currentTarget) close();
      }}
    >
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        <p id={`${id}-description`} class="soft">
          {description}
        </p>
        {children}
      </div>
    </dialog>
  );
}

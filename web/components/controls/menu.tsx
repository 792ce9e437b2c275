import { useSignal } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "../common/icon.tsx";

export type MenuItem = { label: string; act: () => void; isDestructive?: boolean };

/** Where each key moves the focus, from the place `at` in a menu whose last place is `last`. */
const STEPS: Record<string, (at: number, last: number) => number> = {
  ArrowDown: (at, last) => (at === last ? 0 : at + 1),
  ArrowUp: (at, last) => (at === 0 ? last : at - 1),
  Home: () => 0,
  End: (_at, last) => last,
};

/** A button that opens a menu of commands, after https://www.w3.org/WAI/ARIA/apg/patterns/menu-button. */
export function Menu({ label, id, items }: { label: string; id?: string; items: MenuItem[] }) {
  const isOpen = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const menuId = useId();

  const close = () => {
    isOpen.value = false;
    button.current?.focus();
  };

  return (
    <div
      class="menu"
      onFocusOut={({ currentTarget, relatedTarget }) => {
        if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) isOpen.value = false;
      }}
    >
      {/* The tabIndex is for Safari, which gives a clicked button no focus without one. */}
      <button
        ref={button}
        id={id}
        class="icon-button"
        type="button"
        tabIndex={0}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen.value}
        aria-controls={isOpen.value ? menuId : undefined}
        onClick={() => (isOpen.value ? close() : (isOpen.value = true))}
      >
        <Icon name="more" />
      </button>
      {isOpen.value && <Items id={menuId} label={label} items={items} close={close} />}
    </div>
  );
}

type ItemsProps = { id: string; label: string; items: MenuItem[]; close: () => void };

function Items({ id, label, items, close }: ItemsProps) {
  const list = useRef<HTMLDivElement>(null);
  const isUp = useSignal(false);

  useLayoutEffect(() => {
    const { current } = list;
    if (!current) return;
    isUp.value = lacksRoomBelow(current);
    focusItem(current, 0);
  }, [isUp]);

  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (event.key === "Escape") close();
    else if (step && list.current) {
      const at = [...list.current.children].indexOf(document.activeElement ?? list.current);
      focusItem(list.current, step(at, items.length - 1));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      ref={list}
      id={id}
      class={isUp.value ? "menu-items menu-items-up" : "menu-items"}
      role="menu"
      aria-label={label}
      onKeyDown={onKeyDown}
    >
      {items.map(({ label, act, isDestructive = false }) => (
        <button
          key={label}
          class={isDestructive ? "menu-item menu-item-danger" : "menu-item"}
          type="button"
          role="menuitem"
          tabIndex={-1}
          onClick={() => {
            // Closed first, so that a dialog opened by the command returns the focus to the button.
            close();
            act();
          }}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function focusItem(list: HTMLElement, place: number): void {
  const item = list.children[place];
  if (item instanceof HTMLElement) item.focus();
}

/** Whether the menu would be cut off below: by the window, or by the comment form at the bottom of the screen. */
function lacksRoomBelow(list: HTMLElement): boolean {
  const form = document.querySelector(".comment-form")?.getBoundingClientRect().top ?? innerHeight;
  return list.getBoundingClientRect().bottom > Math.min(innerHeight, form);
}

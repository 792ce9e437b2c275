/**
 * Moves the focus to the element `id` after the next render, when the control that had it may be gone. If the focus is
 * somewhere by then, it stays there.
 */
export function focusSoon(id: string): void {
  requestAnimationFrame(() => {
    if (document.activeElement === document.body) document.getElementById(id)?.focus();
  });
}

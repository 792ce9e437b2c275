/**
 * Puts the focus where somebody goes on, once what has just changed is rendered: else it would be lost with the control.
 * Whoever has gone on by themselves in the meantime keeps it where they are.
 */
export function focusSoon(id: string): void {
  requestAnimationFrame(() => {
    if (document.activeElement === document.body) document.getElementById(id)?.focus();
  });
}

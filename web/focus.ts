/** Puts the focus where somebody goes on, once what has just changed is rendered: else it would be lost with the control. */
export function focusSoon(id: string): void {
  requestAnimationFrame(() => document.getElementById(id)?.focus());
}

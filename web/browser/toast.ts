import { signal } from "@preact/signals";

type Toast = { text: string; kind: "status" | "error" };

const SHOWN_MS = 6000;

/** The one message on screen; a new one replaces it. */
export const toast = signal<Toast | undefined>(undefined);

let timer: number | undefined;

/** Shows a message for 6 seconds. Screen readers announce an error at once. */
export function showToast(text: string, kind: Toast["kind"] = "status"): void {
  clearTimeout(timer);
  toast.value = { text, kind };
  timer = setTimeout(dismiss, SHOWN_MS);
}

export const dismiss = (): void => {
  toast.value = undefined;
};

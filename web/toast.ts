import { signal } from "@preact/signals";

type Toast = { text: string; kind: "status" | "error" };

const SHOWN_MS = 6000;

/** One short message at a time; the newest replaces the one before. */
export const toast = signal<Toast | undefined>(undefined);

let timer: number | undefined;

export function tell(text: string, kind: Toast["kind"] = "status"): void {
  clearTimeout(timer);
  toast.value = { text, kind };
  timer = setTimeout(dismiss, SHOWN_MS);
}

export const dismiss = (): void => {
  toast.value = undefined;
};

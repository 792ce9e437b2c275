import { useEffect } from "preact/hooks";
import { unread } from "./session.ts";

/** The title of the page, with what waits in front of it, as it is seen on a tab. */
export function useTitle(title?: string): void {
  const waiting = unread.value;
  useEffect(() => {
    document.title = (waiting > 0 ? `(${waiting}) ` : "") + (title ? `${title} · Shutterline` : "Shutterline");
  }, [title, waiting]);
}

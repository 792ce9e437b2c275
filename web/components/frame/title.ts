import { useEffect } from "preact/hooks";
import { unread } from "../../state/session.ts";

/** Sets the page's title, with the number of unread notifications in front: "(3) Settings · Shutterline". */
export function useTitle(title?: string): void {
  const unreadCount = unread.value;
  useEffect(() => {
    document.title = (unreadCount > 0 ? `(${unreadCount}) ` : "") + (title ? `${title} · Shutterline` : "Shutterline");
  }, [title, unreadCount]);
}

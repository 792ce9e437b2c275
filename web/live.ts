/** The post on screen as it changes. */
import { type LiveFrame, POST_GONE } from "../schema/api/live.ts";

type Watcher = {
  frame: (frame: LiveFrame) => void;
  gone: () => void;
};

/** After the connection was lost, in ms: doubling from the first to the last. */
const RECONNECT_FIRST = 1000;
const RECONNECT_LAST = 30_000;

/**
 * Hands every frame of a post on, from `since` on, without a gap or a repeat: after a disconnection it goes on from the
 * last one. A page that nobody sees is not connected. Returns what ends it.
 */
export function watchPost(id: string, since: number, watcher: Watcher): () => void {
  let seq = since;
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let delay = RECONNECT_FIRST;
  let ended = false;

  const connect = () => {
    clearTimeout(timer);
    if (ended || socket || document.hidden) return;
    const url = new URL(`/v1/posts/${encodeURIComponent(id)}/live?since=${seq}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const current = new WebSocket(url);
    socket = current;
    current.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as LiveFrame;
      seq = frame.seq;
      delay = RECONNECT_FIRST;
      if (frame.deleted) end();
      if (frame.deleted) watcher.gone();
      else watcher.frame(frame);
    });
    current.addEventListener("close", ({ code }) => {
      if (socket !== current) return;
      socket = undefined;
      if (ended) return;
      if (code === POST_GONE) return watcher.gone();
      timer = setTimeout(connect, delay);
      delay = Math.min(delay * 2, RECONNECT_LAST);
    });
  };
  const disconnect = () => {
    const current = socket;
    socket = undefined;
    clearTimeout(timer);
    current?.close();
  };
  const onVisibility = () => (document.hidden ? disconnect() : connect());

  const end = () => {
    ended = true;
    document.removeEventListener("visibilitychange", onVisibility);
    disconnect();
  };

  document.addEventListener("visibilitychange", onVisibility);
  connect();
  return end;
}

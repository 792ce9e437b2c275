/**
 * Live updates over one socket for the whole page. It watches the posts on screen, and receives hints that the viewer's
 * inbox may have changed. A page that is not visible is not connected.
 */
import type { LiveFrame, PostFrame } from "../../schema/api/live.ts";
import { POSTS_WATCHED_MAX, SESSION_OVER, TOO_MANY_SOCKETS } from "../../schema/live/live-limits.ts";

type Watcher = {
  frame: (frame: PostFrame) => void;
  gone: () => void;
};
type Watch = { seq: number; watcher: Watcher };

/** The longest pause before reconnecting, in ms: doubles from the first to the last. The actual one is random. */
const RECONNECT_FIRST = 1000;
const RECONNECT_LAST = 30_000;
/** A connection may be lost silently: after this many ms without a message the client pings, then reconnects. */
const SILENCE_MAX = 30_000;
const PONG_WITHIN = 10_000;
/** Changes within this many milliseconds are sent together, because scrolling passes many posts. */
const SYNC_AFTER = 300;

const watches = new Map<string, Watch>();
/** The watches that the socket knows of. */
const sent = new Map<string, Watch>();
const listeners = new Set<() => void>();
let socket: WebSocket | undefined;
let reconnecting: ReturnType<typeof setTimeout> | undefined;
let syncing: ReturnType<typeof setTimeout> | undefined;
let silence: ReturnType<typeof setTimeout> | undefined;
let delay = RECONNECT_FIRST;
let isSignedIn = false;
/** Set when the same person has opened too many pages: this one stays disconnected until it is looked at again. */
let isSuspended = false;

/**
 * Passes on every frame of a post after `since`, without gaps or repeats, also across disconnections. Beyond
 * POSTS_WATCHED_MAX posts, only the last ones are watched. Returns a function that stops it.
 */
export function watchPost(id: string, since: number, watcher: Watcher): () => void {
  const watch: Watch = { seq: since, watcher };
  watches.delete(id);
  watches.set(id, watch);
  update();
  return () => {
    if (watches.get(id) === watch) watches.delete(id);
    update();
  };
}

/** Calls `listener` on every hint that the viewer's inbox may have changed. Returns a function that stops it. */
export function onInboxChanged(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Reconnects as `person`: a socket belongs to the session it was opened with. */
export function connectAs(person: string | undefined): void {
  isSignedIn = person !== undefined;
  disconnect();
  update();
}

/** Connects, disconnects or sends changed watches, whichever is due. */
function update(): void {
  const isWanted = (isSignedIn || watches.size > 0) && !document.hidden && !isSuspended;
  if (!isWanted) disconnect();
  else if (socket) syncing ??= setTimeout(sync, SYNC_AFTER);
  else if (reconnecting === undefined) connect();
}

/** Sends the difference between the wanted watches and those that the socket knows of. */
function sync(): void {
  clearTimeout(syncing);
  syncing = undefined;
  if (socket?.readyState !== WebSocket.OPEN) return;
  const wanted = new Map([...watches].slice(-POSTS_WATCHED_MAX));
  const unwatch = [...sent].flatMap(([id, watch]) => (wanted.get(id) === watch ? [] : [id]));
  for (const id of unwatch) sent.delete(id);
  const watch = [...wanted].flatMap(([post, { seq }]) => (sent.has(post) ? [] : [{ post, since: seq }]));
  for (const [id, watch] of wanted) sent.set(id, watch);
  if (unwatch.length + watch.length > 0) socket.send(JSON.stringify({ unwatch, watch }));
}

function connect(): void {
  const url = new URL("/v1/live", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const current = new WebSocket(url);
  socket = current;
  sent.clear();
  current.addEventListener("open", () => {
    if (socket !== current) return current.close(); // It is no longer wanted.
    awaitMessage();
    sync();
  });
  current.addEventListener("message", ({ data }) => {
    if (socket !== current) return;
    delay = RECONNECT_FIRST;
    awaitMessage();
    if (data !== "pong") dispatch(JSON.parse(String(data)) as LiveFrame);
  });
  current.addEventListener("close", ({ code }) => {
    if (socket === current) reconnect(code);
  });
}

function dispatch(frame: LiveFrame): void {
  if (frame.topic === "me") return notifyListeners();
  const { post, from, seq, deleted } = frame;
  const watch = sent.get(post);
  // A frame of an earlier watch of the same post that was further ahead: what lies between is still to come.
  if (!watch || watch !== watches.get(post) || from > watch.seq) return;
  if (deleted) {
    watches.delete(post);
    sent.delete(post);
    watch.watcher.gone();
  } else {
    watch.seq = seq;
    watch.watcher.frame(frame);
  }
}

/** Reconnects after a random pause, because a deployment disconnects all clients at once. */
function reconnect(code: number): void {
  disconnect();
  if (code === TOO_MANY_SOCKETS) isSuspended = true;
  if (code === SESSION_OVER) notifyListeners(); // Their next request finds out that the session is over.
  if (isSuspended) return;
  reconnecting = setTimeout(() => {
    reconnecting = undefined;
    update();
  }, Math.random() * delay);
  delay = Math.min(delay * 2, RECONNECT_LAST);
}

function disconnect(): void {
  const current = socket;
  socket = undefined;
  for (const each of [reconnecting, syncing, silence]) clearTimeout(each);
  reconnecting = syncing = undefined;
  // Browsers log an error for a socket that is closed before it has opened; its `open` handler closes it.
  if (current?.readyState === WebSocket.OPEN) current.close();
}

/** Restarts the wait for the next message, which is followed by a ping and then by a new connection. */
function awaitMessage(): void {
  clearTimeout(silence);
  silence = setTimeout(() => {
    socket?.send("ping");
    silence = setTimeout(() => reconnect(0), PONG_WITHIN);
  }, SILENCE_MAX);
}

function notifyListeners(): void {
  for (const listener of listeners) listener();
}

document.addEventListener("visibilitychange", () => {
  isSuspended = false;
  update();
});

/**
 * What changes while one looks: one socket for the whole page, which is told the posts on screen and whether there may be
 * something new for who is signed in. A page that nobody sees is not connected.
 */
import type { LiveFrame, PostFrame } from "../schema/api/live.ts";
import { POSTS_WATCHED_MAX, SESSION_OVER, TOO_MANY_SOCKETS } from "../schema/live/live-limits.ts";

type Watcher = {
  frame: (frame: PostFrame) => void;
  gone: () => void;
};
type Watch = { seq: number; watcher: Watcher };

/** The longest that is waited before another try, in ms: doubling from the first to the last. */
const RECONNECT_FIRST = 1000;
const RECONNECT_LAST = 30_000;
/** A connection may be gone without a word. Who hears nothing for so long asks, and then connects anew. */
const SILENCE_MAX = 30_000;
const ANSWERS_WITHIN = 10_000;
/** What changes within this many milliseconds is said together: whoever scrolls passes many posts. */
const SAYS_AFTER = 300;

const watches = new Map<string, Watch>();
/** Those of them that the socket was told of. */
const told = new Map<string, Watch>();
const listeners = new Set<() => void>();
let socket: WebSocket | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let saying: ReturnType<typeof setTimeout> | undefined;
let silence: ReturnType<typeof setTimeout> | undefined;
let delay = RECONNECT_FIRST;
let isSomebody = false;
/** Until the page is looked at again, because another one of the same person was opened instead. */
let isGivenUp = false;

/**
 * Hands every frame of a post on, from `since` on, without a gap or a repeat: after a disconnection it goes on from the
 * last one. Of more posts than one may watch the last are. Returns what ends it.
 */
export function watchPost(id: string, since: number, watcher: Watcher): () => void {
  const watch: Watch = { seq: since, watcher };
  watches.delete(id);
  watches.set(id, watch);
  settle();
  return () => {
    if (watches.get(id) === watch) watches.delete(id);
    settle();
  };
}

/** Called whenever there may be something new for who is signed in. Returns what ends it. */
export function onInboxChanged(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The socket is that of whoever is signed in when it is opened, so it is opened anew for somebody else. */
export function liveAs(person: string | undefined): void {
  isSomebody = person !== undefined;
  disconnect();
  settle();
}

function settle(): void {
  const isWanted = (isSomebody || watches.size > 0) && !document.hidden && !isGivenUp;
  if (!isWanted) disconnect();
  else if (socket) saying ??= setTimeout(say, SAYS_AFTER);
  else if (timer === undefined) connect();
}

/** Brings what the socket is told to what is wanted. */
function say(): void {
  clearTimeout(saying);
  saying = undefined;
  if (socket?.readyState !== WebSocket.OPEN) return;
  const wanted = new Map([...watches].slice(-POSTS_WATCHED_MAX));
  const unwatch = [...told].flatMap(([id, watch]) => (wanted.get(id) === watch ? [] : [id]));
  for (const id of unwatch) told.delete(id);
  const watch = [...wanted].flatMap(([post, { seq }]) => (told.has(post) ? [] : [{ post, since: seq }]));
  for (const [id, watch] of wanted) told.set(id, watch);
  if (unwatch.length + watch.length > 0) socket.send(JSON.stringify({ unwatch, watch }));
}

function connect(): void {
  const url = new URL("/v1/live", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const current = new WebSocket(url);
  socket = current;
  told.clear();
  current.addEventListener("open", () => {
    if (socket !== current) return current.close(); // Nobody wants it any more.
    listen();
    say();
  });
  current.addEventListener("message", ({ data }) => {
    if (socket !== current) return;
    delay = RECONNECT_FIRST;
    listen();
    if (data !== "pong") take(JSON.parse(String(data)) as LiveFrame);
  });
  current.addEventListener("close", ({ code }) => {
    if (socket === current) lose(code);
  });
}

function take(frame: LiveFrame): void {
  if (frame.topic === "me") return tellListeners();
  const { post, from, seq, deleted } = frame;
  const watch = told.get(post);
  // Of an earlier watch of the same post, which was further on: what is in between is still to come.
  if (!watch || watch !== watches.get(post) || from > watch.seq) return;
  if (deleted) {
    watches.delete(post);
    told.delete(post);
    watch.watcher.gone();
  } else {
    watch.seq = seq;
    watch.watcher.frame(frame);
  }
}

/** All that a deployment has disconnected come again, and must not at once. */
function lose(code: number): void {
  disconnect();
  if (code === TOO_MANY_SOCKETS) isGivenUp = true;
  if (code === SESSION_OVER) tellListeners(); // Who asks for news learns that they are signed out.
  if (isGivenUp) return;
  timer = setTimeout(() => {
    timer = undefined;
    settle();
  }, Math.random() * delay);
  delay = Math.min(delay * 2, RECONNECT_LAST);
}

function disconnect(): void {
  const current = socket;
  socket = undefined;
  for (const each of [timer, saying, silence]) clearTimeout(each);
  timer = saying = undefined;
  // Browsers complain of one that is closed before it was opened.
  if (current?.readyState === WebSocket.OPEN) current.close();
}

function listen(): void {
  clearTimeout(silence);
  silence = setTimeout(() => {
    socket?.send("ping");
    silence = setTimeout(() => lose(0), ANSWERS_WITHIN);
  }, SILENCE_MAX);
}

function tellListeners(): void {
  for (const listener of listeners) listener();
}

document.addEventListener("visibilitychange", () => {
  isGivenUp = false;
  settle();
});

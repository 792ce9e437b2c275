/** The open sockets of one relay: each socket's viewer, the posts that it watches, and what was sent to it last. */
import type { LiveFrame } from "../../schema/api/live.ts";
import type { PersonId, PostId, SessionId } from "../../schema/ids.ts";

/** The viewer of a socket, as identified by the route. Only an anonymous viewer has a `network`, where it is known. */
export type SocketViewer = {
  person?: PersonId | undefined;
  session?: SessionId | undefined;
  network?: string | undefined;
};

/**
 * `seq`: the last one sent, or the one that the client already had; undefined when the client has nothing and wants the
 * current standing. `isNew`: no frame has answered the watch command yet.
 */
type Watching = { seq: number | undefined; isNew: boolean; sentAt: number };

/** Attached to the WebSocket, so that it survives hibernation of the relay. */
type Attachment = SocketViewer & {
  hasBlocks: boolean;
  openedAt: number;
  isWelcomed: boolean;
  watching: [PostId, number | undefined, boolean][];
};

export class LiveSocket {
  readonly webSocket: WebSocket;
  readonly viewer: Readonly<SocketViewer>;
  readonly openedAt: number;
  readonly watching: Map<PostId, Watching>;
  /** Whether the directory lists the viewer and the first hint was sent. Always true for an anonymous viewer. */
  isWelcomed: boolean;
  /** Whether the viewer has blocked somebody or is blocked by somebody. */
  hasBlocks: boolean;
  /** Whether the viewer may moderate, as of the last session check. */
  isModerator = false;
  /** Time of the last session check, in ms since 1970; 0 when a check must come before anything is sent. */
  checkedAt = 0;
  /** How often the check was invalidated. The result of a check that began before an invalidation is discarded. */
  invalidations = 0;
  /** When `me` was sent last. */
  meSentAt = 0;
  /** The cost of its commands since `spendsSince`. */
  spent = 0;
  spendsSince = 0;

  constructor(webSocket: WebSocket, { hasBlocks, openedAt, isWelcomed, watching, ...viewer }: Attachment) {
    this.webSocket = webSocket;
    this.viewer = viewer;
    this.openedAt = openedAt;
    this.isWelcomed = isWelcomed;
    this.hasBlocks = hasBlocks;
    this.watching = new Map(watching.map(([post, seq, isNew]) => [post, { seq, isNew, sentAt: 0 }]));
  }

  /** Must be called after each change that has to survive hibernation. Takes about 30 bytes a post, of 2,048. */
  persist(): void {
    const { viewer, openedAt, isWelcomed, hasBlocks } = this;
    const watching = [...this.watching].map(([post, { seq, isNew }]): Attachment["watching"][number] => [
      post,
      seq,
      isNew,
    ]);
    this.webSocket.serializeAttachment({ ...viewer, hasBlocks, openedAt, isWelcomed, watching } satisfies Attachment);
  }

  /** Returns false when the socket is gone. */
  send(frame: LiveFrame | string): boolean {
    try {
      this.webSocket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
      return true;
    } catch {
      return false;
    }
  }
}

/** All sockets of the relay, indexed by owner and by post. Rebuilt from the WebSockets when the relay wakes up. */
export class LiveSockets {
  readonly #ctx: DurableObjectState;
  readonly #byWebSocket = new Map<WebSocket, LiveSocket>();
  readonly #byOwner = new Map<string, Set<LiveSocket>>();
  readonly #byPost = new Map<PostId, Set<LiveSocket>>();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const webSocket of ctx.getWebSockets()) {
      if (webSocket.readyState !== WebSocket.OPEN) continue;
      this.#add(new LiveSocket(webSocket, webSocket.deserializeAttachment() as Attachment));
    }
  }

  get size(): number {
    return this.#byWebSocket.size;
  }

  all(): Iterable<LiveSocket> {
    return this.#byWebSocket.values();
  }

  open(webSocket: WebSocket, viewer: SocketViewer): LiveSocket {
    this.#ctx.acceptWebSocket(webSocket);
    const isWelcomed = viewer.person === undefined;
    // The route has asked a replica, which may be old. So the primary is asked before anything is sent.
    const unchecked = { hasBlocks: false, openedAt: Date.now(), isWelcomed, watching: [] };
    const socket = new LiveSocket(webSocket, { ...viewer, ...unchecked });
    socket.persist();
    this.#add(socket);
    return socket;
  }

  of(webSocket: WebSocket): LiveSocket | undefined {
    return this.#byWebSocket.get(webSocket);
  }

  has(socket: LiveSocket): boolean {
    return this.#byWebSocket.has(socket.webSocket);
  }

  ofPerson(person: PersonId): ReadonlySet<LiveSocket> {
    return this.#byOwner.get(person) ?? NONE;
  }

  /** Returns the sockets of the same person or network as `viewer`, oldest first. */
  ofSameOwner(viewer: SocketViewer): LiveSocket[] {
    const owner = ownerOf(viewer);
    const sockets = owner === undefined ? NONE : (this.#byOwner.get(owner) ?? NONE);
    return [...sockets].toSorted((a, b) => a.openedAt - b.openedAt);
  }

  watchers(post: PostId): ReadonlySet<LiveSocket> {
    return this.#byPost.get(post) ?? NONE;
  }

  watch(socket: LiveSocket, post: PostId, since: number | undefined): void {
    socket.watching.set(post, { seq: since, isNew: true, sentAt: 0 });
    addTo(this.#byPost, post, socket);
  }

  unwatch(socket: LiveSocket, post: PostId): void {
    socket.watching.delete(post);
    removeFrom(this.#byPost, post, socket);
  }

  /** Removes a socket that either side has closed. */
  remove(socket: LiveSocket): void {
    this.#byWebSocket.delete(socket.webSocket);
    const owner = ownerOf(socket.viewer);
    if (owner !== undefined) removeFrom(this.#byOwner, owner, socket);
    for (const post of socket.watching.keys()) removeFrom(this.#byPost, post, socket);
  }

  close(socket: LiveSocket, code: number, reason: string): void {
    this.remove(socket);
    try {
      socket.webSocket.close(code, reason);
    } catch (error) {
      console.debug("socket already closed", { error: String(error) });
    }
  }

  #add(socket: LiveSocket): void {
    this.#byWebSocket.set(socket.webSocket, socket);
    const owner = ownerOf(socket.viewer);
    if (owner !== undefined) addTo(this.#byOwner, owner, socket);
    for (const post of socket.watching.keys()) addTo(this.#byPost, post, socket);
  }
}

const NONE: ReadonlySet<LiveSocket> = new Set();

const ownerOf = ({ person, network }: SocketViewer): string | undefined => person ?? network;

function addTo<Key>(index: Map<Key, Set<LiveSocket>>, key: Key, socket: LiveSocket): void {
  const sockets = index.get(key) ?? new Set();
  index.set(key, sockets.add(socket));
}

function removeFrom<Key>(index: Map<Key, Set<LiveSocket>>, key: Key, socket: LiveSocket): void {
  const sockets = index.get(key);
  sockets?.delete(socket);
  if (sockets?.size === 0) index.delete(key);
}

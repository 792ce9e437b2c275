/** The sockets of a relay, and what is known of each: who looks, at which posts, and what they were sent last. */
import type { LiveFrame } from "../../schema/api/live.ts";
import type { PersonId, PostId, SessionId } from "../../schema/ids.ts";

/** Who opens a socket, as the route knows them. `network`: of who is not signed in, where that is known. */
export type Guest = {
  person?: PersonId | undefined;
  session?: SessionId | undefined;
  hasBlocks: boolean;
  network?: string | undefined;
};

/** `seq`: what was sent last, or is known from before; undefined: nothing, and the post as it stands is wanted. */
type Watching = { seq: number | undefined; isNew: boolean; sentAt: number };

/** Kept with the socket while the relay is out of memory. */
type Kept = Guest & { openedAt: number; isWelcomed: boolean; watching: [PostId, number | undefined, boolean][] };

export class Seat {
  readonly socket: WebSocket;
  readonly guest: Readonly<Guest>;
  readonly openedAt: number;
  readonly watching: Map<PostId, Watching>;
  /** Whether they have been told that they are connected. */
  isWelcomed: boolean;
  /** They are in a block with somebody. */
  hasBlocks: boolean;
  /** When session and blocks were looked up last, in ms since 1970; 0: they must be, before anything is sent. */
  reviewedAt = 0;
  /** How often they were called into question. A review that began before says nothing. */
  doubts = 0;
  /** When `me` was sent last. */
  meSentAt = 0;
  /** What its commands have cost since `spendsSince`. */
  spent = 0;
  spendsSince = 0;

  constructor(socket: WebSocket, { openedAt, isWelcomed, watching, ...guest }: Kept) {
    this.socket = socket;
    this.guest = guest;
    this.openedAt = openedAt;
    this.isWelcomed = isWelcomed;
    this.hasBlocks = guest.hasBlocks;
    this.watching = new Map(watching.map(([post, seq, isNew]) => [post, { seq, isNew, sentAt: 0 }]));
  }

  /** To be called after each change of what must outlast hibernation: about 30 bytes a post, of 2,048. */
  keep(): void {
    const { guest, openedAt, isWelcomed, hasBlocks } = this;
    const watching = [...this.watching].map(([post, { seq, isNew }]): Kept["watching"][number] => [post, seq, isNew]);
    this.socket.serializeAttachment({ ...guest, hasBlocks, openedAt, isWelcomed, watching } satisfies Kept);
  }

  /** False when the socket has gone. */
  send(frame: LiveFrame | string): boolean {
    try {
      this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
      return true;
    } catch {
      return false;
    }
  }
}

/** Made anew from the sockets whenever the relay comes back into memory. */
export class Seats {
  readonly #ctx: DurableObjectState;
  readonly #bySocket = new Map<WebSocket, Seat>();
  readonly #byOwner = new Map<string, Set<Seat>>();
  readonly #byPost = new Map<PostId, Set<Seat>>();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const socket of ctx.getWebSockets()) {
      if (socket.readyState === WebSocket.OPEN) this.#enter(new Seat(socket, socket.deserializeAttachment() as Kept));
    }
  }

  get size(): number {
    return this.#bySocket.size;
  }

  all(): Iterable<Seat> {
    return this.#bySocket.values();
  }

  open(socket: WebSocket, guest: Guest): Seat {
    this.#ctx.acceptWebSocket(socket);
    const isWelcomed = guest.person === undefined;
    const seat = new Seat(socket, { ...guest, openedAt: Date.now(), isWelcomed, watching: [] });
    seat.reviewedAt = Date.now(); // The route has just done it.
    seat.keep();
    this.#enter(seat);
    return seat;
  }

  of(socket: WebSocket): Seat | undefined {
    return this.#bySocket.get(socket);
  }

  has(seat: Seat): boolean {
    return this.#bySocket.has(seat.socket);
  }

  ofPerson(person: PersonId): ReadonlySet<Seat> {
    return this.#byOwner.get(person) ?? NOBODY;
  }

  /** Of the same person or network as `guest`, the oldest first. */
  beside(guest: Guest): Seat[] {
    const owner = ownerOf(guest);
    const seats = owner === undefined ? NOBODY : (this.#byOwner.get(owner) ?? NOBODY);
    return [...seats].toSorted((a, b) => a.openedAt - b.openedAt);
  }

  watchers(post: PostId): ReadonlySet<Seat> {
    return this.#byPost.get(post) ?? NOBODY;
  }

  watch(seat: Seat, post: PostId, since: number | undefined): void {
    seat.watching.set(post, { seq: since, isNew: true, sentAt: 0 });
    put(this.#byPost, post, seat);
  }

  unwatch(seat: Seat, post: PostId): void {
    seat.watching.delete(post);
    take(this.#byPost, post, seat);
  }

  /** Of a socket that has been closed, by either side. */
  leave(seat: Seat): void {
    this.#bySocket.delete(seat.socket);
    const owner = ownerOf(seat.guest);
    if (owner !== undefined) take(this.#byOwner, owner, seat);
    for (const post of seat.watching.keys()) take(this.#byPost, post, seat);
  }

  close(seat: Seat, code: number, reason: string): void {
    this.leave(seat);
    try {
      seat.socket.close(code, reason);
    } catch (error) {
      console.debug("a socket was closed already", { error: String(error) });
    }
  }

  #enter(seat: Seat): void {
    this.#bySocket.set(seat.socket, seat);
    const owner = ownerOf(seat.guest);
    if (owner !== undefined) put(this.#byOwner, owner, seat);
    for (const post of seat.watching.keys()) put(this.#byPost, post, seat);
  }
}

const NOBODY: ReadonlySet<Seat> = new Set();

const ownerOf = ({ person, network }: Guest): string | undefined => person ?? network;

function put<Key>(index: Map<Key, Set<Seat>>, key: Key, seat: Seat): void {
  const seats = index.get(key) ?? new Set();
  index.set(key, seats.add(seat));
}

function take<Key>(index: Map<Key, Set<Seat>>, key: Key, seat: Seat): void {
  const seats = index.get(key);
  seats?.delete(seat);
  if (seats?.size === 0) index.delete(key);
}

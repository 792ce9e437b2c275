import { DurableObject } from "cloudflare:workers";
import { LiveCommand } from "../../schema/api/live.ts";
import type { PersonId, PostId, SessionId } from "../../schema/ids.ts";
import {
  BAD_COMMAND,
  COMMAND_LENGTH_MAX,
  NORMAL,
  POSTS_WATCHED_MAX,
  SESSION_OVER,
  TOO_LARGE,
  TOO_MANY_COMMANDS,
  TOO_MANY_SOCKETS,
} from "../../schema/live/live-limits.ts";
import type { RelayName } from "../../schema/live/live-relays.ts";
import { refreshShardMap } from "../../schema/d1/shards.ts";
import { logWarning } from "../../schema/log.ts";
import { InboxHints } from "./inbox-hints.ts";
import { RelayDirectory } from "./relay-directory.ts";
import type { PostWindow } from "../post/post-window.ts";
import { checkSessions, invalidateCheck } from "./session-checks.ts";
import { type LiveSocket, LiveSockets, type SocketViewer } from "./sockets.ts";
import { sleep } from "./sleep.ts";
import { WatchedPost } from "./watched-post.ts";

/** The most sockets of one relay. The platform allows an object 32,768. */
export const SOCKETS_MAX = 20_000;
/** The most sockets of one person in a region: devices and windows that are open at the same time. */
export const SOCKETS_PER_PERSON = 20;
/** The most anonymous sockets from one network: a whole school may look at the same post. */
export const SOCKETS_PER_NETWORK = 500;
/** What the commands of a socket may cost within BUDGET_LASTS. A command costs one, plus one for each post to watch. */
const BUDGET = 200;
const BUDGET_LASTS = 10_000; // ms
/** The pause, in ms, after D1 or a post's actor has failed. */
const RETRY_DELAY = 2000;

/**
 * Holds people's sockets in one region and sends them frames of the posts that they watch, and hints that their inbox
 * may have something new. A post's actor, or the sender of hints, makes one call to it, however many sockets the call
 * is for.
 *
 * It has no storage. State that must survive hibernation is attached to each socket; when sockets are lost, their
 * clients reconnect and say where they stopped. It returns to a post's actor only after the frames are sent, so the
 * actor repeats a call that was lost.
 */
export class LiveRelay extends DurableObject<Env> {
  readonly #name = this.ctx.id.name as RelayName;
  readonly #sockets = new LiveSockets(this.ctx);
  readonly #directory = new RelayDirectory(this.env, this.#name);
  readonly #posts = new Map<PostId, WatchedPost>();
  readonly #hints = new InboxHints(this.#sockets, (sockets) => this.#checkSessions(sockets));

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong")); // Answered without waking up.
    // Resumes what the object may not have finished before it left memory.
    for (const socket of this.#sockets.all()) {
      if (!socket.isWelcomed) void this.#welcome(socket);
      for (const [post, { isNew }] of socket.watching) if (isNew) void this.#serve(post);
    }
  }

  /** Opens a WebSocket for the viewer whom the route has identified. Responds with 503 when the relay is full. */
  override fetch(request: Request): Response {
    const viewer = JSON.parse(new URL(request.url).searchParams.get("guest") ?? "{}") as SocketViewer;
    if (this.#sockets.size >= SOCKETS_MAX) return new Response(null, { status: 503 });
    const others = this.#sockets.ofSameOwner(viewer);
    const most = viewer.person ? SOCKETS_PER_PERSON : SOCKETS_PER_NETWORK;
    const tooMany = others.slice(0, Math.max(0, others.length + 1 - most));
    for (const oldest of tooMany) this.#close(oldest, TOO_MANY_SOCKETS, "Too many sockets");
    const { 0: client, 1: server } = new WebSocketPair();
    const socket = this.#sockets.open(server, viewer);
    if (!socket.isWelcomed) void this.#welcome(socket);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(webSocket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const socket = this.#sockets.of(webSocket);
    const command = socket && this.#commandOf(socket, message);
    if (!command) return;
    const { watch = [], unwatch = [] } = command;
    for (const post of unwatch) this.#unwatch(socket, post);
    for (const { post, since } of watch) this.#sockets.watch(socket, post, since);
    if (socket.watching.size > POSTS_WATCHED_MAX) return this.#close(socket, BAD_COMMAND, "Too many posts");
    socket.persist();
    for (const { post } of watch) this.#watched(post).enqueue(socket);
    await Promise.all(watch.map(({ post }) => this.#serve(post)));
  }

  override webSocketClose(webSocket: WebSocket): void {
    const socket = this.#sockets.of(webSocket);
    if (socket) this.#close(socket, NORMAL, ""); // The other side waits for this.
  }

  override webSocketError(webSocket: WebSocket): void {
    this.webSocketClose(webSocket);
  }

  /**
   * Called by a post's actor with the changes. Returns when every watching socket has its frame: true, or false when no
   * socket watches the post. A call may come twice, late or after a gap: the relay asks the actor for what it lacks.
   */
  async changed(window: PostWindow): Promise<boolean> {
    const { post } = window;
    if (this.#sockets.watchers(post).size > 0) {
      const watched = this.#watched(post);
      watched.receive(window);
      await watched.serve();
    }
    const isWatched = this.#sockets.watchers(post).size > 0;
    if (!isWatched) this.#posts.delete(post); // The next watcher makes the relay ask the actor first.
    return isWatched;
  }

  /** Sends hints to `people`, at most 1,000 a call. Returns the people who have no socket here. */
  async inboxChanged(people: PersonId[]): Promise<PersonId[]> {
    const absent = people.filter((person) => this.#sockets.ofPerson(person).size === 0);
    for (const person of absent) this.#directory.markAbsent(person);
    await this.#hints.send(people.flatMap((person) => [...this.#sockets.ofPerson(person)]));
    return absent;
  }

  /** Closes the sockets of a session that has ended; those of all the person's sessions when `session` is undefined. */
  endSessions(person: PersonId, session: SessionId | undefined): void {
    for (const socket of this.#sockets.ofPerson(person)) {
      if (session === undefined || socket.viewer.session === session) this.#close(socket, SESSION_OVER, "Signed out");
    }
  }

  /** Called when blocks of `people` have changed. Checks their sessions, and ends posts they may no longer watch. */
  async review(people: PersonId[]): Promise<void> {
    const sockets = people.flatMap((person) => [...this.#sockets.ofPerson(person)]);
    const posts = new Set<PostId>();
    for (const socket of sockets) {
      invalidateCheck(socket);
      for (const post of socket.watching.keys()) {
        this.#watched(post).enqueue(socket);
        posts.add(post);
      }
    }
    await Promise.all([...posts].map((post) => this.#watched(post).serve()));
  }

  #watched(post: PostId): WatchedPost {
    const known = this.#posts.get(post);
    if (known) return known;
    const watched = new WatchedPost(post, this.#name, this.env, this.#sockets, (sockets) =>
      this.#checkSessions(sockets),
    );
    this.#posts.set(post, watched);
    return watched;
  }

  async #serve(post: PostId): Promise<void> {
    while (this.#sockets.watchers(post).size > 0) {
      try {
        return await this.#watched(post).serve();
      } catch (error) {
        logWarning("frames not sent, will retry", { post, error: String(error) });
        await sleep(RETRY_DELAY);
      }
    }
  }

  /** Registers the viewer, then sends a first hint: hints from before the registration did not reach this relay. */
  async #welcome(socket: LiveSocket): Promise<void> {
    while (this.#sockets.has(socket)) {
      try {
        if (socket.viewer.person) await this.#directory.register(socket.viewer.person);
        await this.#hints.send([socket]);
        socket.isWelcomed = true;
        if (this.#sockets.has(socket)) socket.persist();
        return;
      } catch (error) {
        logWarning("socket not registered, will retry", { relay: this.#name, error: String(error) });
        await sleep(RETRY_DELAY);
      }
    }
  }

  async #checkSessions(sockets: Iterable<LiveSocket>): Promise<void> {
    await refreshShardMap(this.env);
    for (const socket of await checkSessions(this.env, sockets)) {
      this.#close(socket, SESSION_OVER, "The session is over");
    }
  }

  /** Parses a message. Closes the socket and returns undefined when the message is not a command or exceeds a limit. */
  #commandOf(socket: LiveSocket, message: string | ArrayBuffer): LiveCommand | undefined {
    const now = Date.now();
    if (now - socket.spendsSince > BUDGET_LASTS) [socket.spent, socket.spendsSince] = [0, now];
    socket.spent += 1;
    const size = typeof message === "string" ? message.length : message.byteLength;
    if (size > COMMAND_LENGTH_MAX) return this.#close(socket, TOO_LARGE, "Message too large");
    const command = LiveCommand.safeParse(typeof message === "string" ? parsed(message) : undefined);
    if (!command.success) return this.#close(socket, BAD_COMMAND, "Not a LiveCommand");
    socket.spent += command.data.watch?.length ?? 0;
    if (socket.spent > BUDGET) return this.#close(socket, TOO_MANY_COMMANDS, "Too many commands");
    return command.data;
  }

  #unwatch(socket: LiveSocket, post: PostId): void {
    this.#sockets.unwatch(socket, post);
    this.#forgetUnwatched([post]);
  }

  #close(socket: LiveSocket, code: number, reason: string): undefined {
    this.#sockets.close(socket, code, reason);
    this.#forgetUnwatched(socket.watching.keys());
  }

  #forgetUnwatched(posts: Iterable<PostId>): void {
    for (const post of posts) if (this.#sockets.watchers(post).size === 0) this.#posts.delete(post);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

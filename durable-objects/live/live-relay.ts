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
import { renewShards } from "../../schema/d1/shards.ts";
import { LiveNews } from "./inbox-hints.ts";
import { LivePlaces } from "./relay-directory.ts";
import type { PostWindow } from "../post/post-window.ts";
import { doubt, reviewed } from "./session-checks.ts";
import { type Guest, type Seat, Seats } from "./sockets.ts";
import { sleep } from "./sleep.ts";
import { WatchedPost } from "./watched-post.ts";

/** Of one relay. An object may have 32,768. */
export const SOCKETS_MAX = 20_000;
/** Of one person in a region: devices and windows that are in sight at a time. */
export const SOCKETS_PER_PERSON = 20;
/** Of those who are not signed in, from one network: a whole school may look at the same post. */
export const SOCKETS_PER_NETWORK = 500;
/** What a socket's commands may cost in BUDGET_LASTS: one each, and one for each post to watch. */
const BUDGET = 200;
const BUDGET_LASTS = 10_000; // ms
/** After D1 or a post's actor has failed. */
const RETRY_DELAY = 2000; // ms

/**
 * Holds people's sockets in one region, and brings them what they watch: posts, and the news that there is something new
 * for their person. A post's actor, or whoever has news, calls it once, however many sockets it is for.
 *
 * It stores nothing. What must outlast hibernation is kept with each socket; when sockets are lost, their clients come
 * again and say where they stopped. It answers a post's actor when the sockets have been sent their frames, so what was
 * lost on the way is told again.
 */
export class LiveRelay extends DurableObject<Env> {
  readonly #name = this.ctx.id.name as RelayName;
  readonly #seats = new Seats(this.ctx);
  readonly #places = new LivePlaces(this.env, this.#name);
  readonly #posts = new Map<PostId, WatchedPost>();
  readonly #news = new LiveNews(this.#seats, (seats) => this.#review(seats));

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong")); // Answered without waking up.
    // What the last life of the object has begun with them, and may not have ended.
    for (const seat of this.#seats.all()) {
      if (!seat.isWelcomed) void this.#welcome(seat);
      for (const [post, { isNew }] of seat.watching) if (isNew) void this.#serve(post);
    }
  }

  /** A WebSocket for the guest whom the route has identified; 503 when there are too many. */
  override fetch(request: Request): Response {
    const guest = JSON.parse(new URL(request.url).searchParams.get("guest") ?? "{}") as Guest;
    if (this.#seats.size >= SOCKETS_MAX) return new Response(null, { status: 503 });
    const beside = this.#seats.beside(guest);
    const most = guest.person ? SOCKETS_PER_PERSON : SOCKETS_PER_NETWORK;
    const tooMany = beside.slice(0, Math.max(0, beside.length + 1 - most));
    for (const oldest of tooMany) this.#close(oldest, TOO_MANY_SOCKETS, "Too many sockets");
    const { 0: client, 1: server } = new WebSocketPair();
    const seat = this.#seats.open(server, guest);
    if (!seat.isWelcomed) void this.#welcome(seat);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const seat = this.#seats.of(socket);
    const command = seat && this.#commandOf(seat, message);
    if (!command) return;
    const { watch = [], unwatch = [] } = command;
    for (const post of unwatch) this.#unwatch(seat, post);
    for (const { post, since } of watch) this.#seats.watch(seat, post, since);
    if (seat.watching.size > POSTS_WATCHED_MAX) return this.#close(seat, BAD_COMMAND, "Too many posts");
    seat.keep();
    for (const { post } of watch) this.#watched(post).expect(seat);
    await Promise.all(watch.map(({ post }) => this.#serve(post)));
  }

  override webSocketClose(socket: WebSocket): void {
    const seat = this.#seats.of(socket);
    if (seat) this.#close(seat, NORMAL, ""); // The other side waits for that.
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket);
  }

  /**
   * From a post's actor: what has changed. Answers when all who watch have been sent it, and false when nobody does. Coming
   * twice, late or with a gap it is as good: what is missing is asked for.
   */
  async changed(window: PostWindow): Promise<boolean> {
    const { post } = window;
    if (this.#seats.watchers(post).size > 0) {
      const watched = this.#watched(post);
      watched.learn(window);
      await watched.serve();
    }
    const isWatched = this.#seats.watchers(post).size > 0;
    if (!isWatched) this.#posts.delete(post); // Who watches it from now on asks the actor first.
    return isWatched;
  }

  /** There may be something new for `people`: up to 1,000 a call. Gives back those who have no socket here. */
  async inboxChanged(people: PersonId[]): Promise<PersonId[]> {
    const absent = people.filter((person) => this.#seats.ofPerson(person).size === 0);
    for (const person of absent) this.#places.leave(person);
    await this.#news.tell(people.flatMap((person) => [...this.#seats.ofPerson(person)]));
    return absent;
  }

  /** Closes the sockets of a session that has ended; of all the person's sessions when it is undefined. */
  endSessions(person: PersonId, session: SessionId | undefined): void {
    for (const seat of this.#seats.ofPerson(person)) {
      if (session === undefined || seat.guest.session === session) this.#close(seat, SESSION_OVER, "Signed out");
    }
  }

  /** What `people` may see has changed: looks at it again, and ends what they may not watch any more. */
  async review(people: PersonId[]): Promise<void> {
    const seats = people.flatMap((person) => [...this.#seats.ofPerson(person)]);
    const posts = new Set<PostId>();
    for (const seat of seats) {
      doubt(seat);
      for (const post of seat.watching.keys()) {
        this.#watched(post).expect(seat);
        posts.add(post);
      }
    }
    await Promise.all([...posts].map((post) => this.#watched(post).serve()));
  }

  #watched(post: PostId): WatchedPost {
    const known = this.#posts.get(post);
    if (known) return known;
    const watched = new WatchedPost(post, this.#name, this.env, this.#seats, (seats) => this.#review(seats));
    this.#posts.set(post, watched);
    return watched;
  }

  async #serve(post: PostId): Promise<void> {
    while (this.#seats.watchers(post).size > 0) {
      try {
        return await this.#watched(post).serve();
      } catch (error) {
        console.warn("frames not sent, will be again", { post, error: String(error) });
        await sleep(RETRY_DELAY);
      }
    }
  }

  /** From when the row is written on, who has news finds this relay. What was before, the client reads when it is told. */
  async #welcome(seat: Seat): Promise<void> {
    while (this.#seats.has(seat)) {
      try {
        if (seat.guest.person) await this.#places.note(seat.guest.person);
        await this.#news.tell([seat]);
        seat.isWelcomed = true;
        if (this.#seats.has(seat)) seat.keep();
        return;
      } catch (error) {
        console.warn("socket not noted, will be again", { relay: this.#name, error: String(error) });
        await sleep(RETRY_DELAY);
      }
    }
  }

  async #review(seats: Iterable<Seat>): Promise<void> {
    await renewShards(this.env);
    for (const seat of await reviewed(this.env, seats)) this.#close(seat, SESSION_OVER, "The session is over");
  }

  /** Undefined, and the socket closed, when it is none, or too much. */
  #commandOf(seat: Seat, message: string | ArrayBuffer): LiveCommand | undefined {
    const now = Date.now();
    if (now - seat.spendsSince > BUDGET_LASTS) [seat.spent, seat.spendsSince] = [0, now];
    seat.spent += 1;
    const size = typeof message === "string" ? message.length : message.byteLength;
    if (size > COMMAND_LENGTH_MAX) return this.#close(seat, TOO_LARGE, "Too large");
    const command = LiveCommand.safeParse(typeof message === "string" ? parsed(message) : undefined);
    if (!command.success) return this.#close(seat, BAD_COMMAND, "Not a LiveCommand");
    seat.spent += command.data.watch?.length ?? 0;
    if (seat.spent > BUDGET) return this.#close(seat, TOO_MANY_COMMANDS, "Too much");
    return command.data;
  }

  #unwatch(seat: Seat, post: PostId): void {
    this.#seats.unwatch(seat, post);
    this.#forgetUnwatched([post]);
  }

  #close(seat: Seat, code: number, reason: string): undefined {
    this.#seats.close(seat, code, reason);
    this.#forgetUnwatched(seat.watching.keys());
  }

  #forgetUnwatched(posts: Iterable<PostId>): void {
    for (const post of posts) if (this.#seats.watchers(post).size === 0) this.#posts.delete(post);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

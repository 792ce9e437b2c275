/**
 * The sockets of those who look at a post. Each is sent how the post stands, and the comments that changed since the last
 * frame, at most four times a second. Frames tell state, read from storage when they are sent: what changed twice between
 * two frames is told once, and a socket that went away goes on from the last `seq` it was sent.
 *
 * Sockets hibernate: while nothing changes an object of any number of them costs nothing. What a socket was sent last is
 * kept with the socket.
 */
import { type LiveFrame, POST_GONE } from "../schema/api/live.ts";
import type { PersonCard } from "../schema/api/people.ts";
import type { CommentFact } from "../schema/facts.ts";
import { presentComment } from "../schema/api/present-comment.ts";
import { blockedAmong, blocksOf } from "../schema/blocks.ts";
import type { PersonId } from "../schema/ids.ts";
import { peopleByIds } from "../schema/people-cards.ts";
import { renewShards } from "../schema/shards.ts";
import type { CommentThreads } from "./comment-threads.ts";
import { standingOf } from "./outbox.ts";
import type { PostRecord } from "./post-record.ts";

/** The least time between two frames, in ms. */
const FRAME_DELAY = 250;
/** After D1 has not told the names of those who comment. */
const RETRY_DELAY = 2000;
/** Of one frame; the next one goes on. */
const COMMENTS_PER_FRAME = 50;
/** Who has missed more changed comments than this is told to read them again. */
const COMMENTS_RESUMED = 500;
/** How long, in ms, a block between a subscriber and the post's author may go unnoticed while the post changes. */
export const REVIEWED_EVERY = 10_000;
/** Of one post. An object may have 32,768. */
export const SOCKETS_MAX = 20_000;

type Sources = { record: PostRecord; comments: CommentThreads };
/**
 * What is kept with a socket. `isAuthor`: it is the post's author who looks. `isNew`: nothing was sent yet. `blocks`: the
 * viewer is in a block with somebody.
 */
type Seat = { seq: number; viewer: PersonId | undefined; isAuthor: boolean; isNew: boolean; blocks: boolean };
type Frame = { seq: number; text: string };

export class Subscribers {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #sources: Sources;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastFrames = 0;
  #reviewedAt = 0;
  #isSending = false;

  constructor(ctx: DurableObjectState, env: Env, sources: Sources) {
    this.#ctx = ctx;
    this.#env = env;
    this.#sources = sources;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong")); // Answered without waking up.
  }

  /** A socket for who knows the post as of `since` (undefined: as it stands now). Undefined when there are too many. */
  accept(since: number | undefined, viewer: PersonId | undefined, blocks: boolean): WebSocket | undefined {
    const sockets = this.#ctx.getWebSockets().length;
    if (sockets >= SOCKETS_MAX) return undefined;
    if (sockets === 0) this.#reviewedAt = Date.now(); // The route has just done it.
    const { 0: client, 1: server } = new WebSocketPair();
    const { seq, author } = this.#sources.record.row;
    this.#ctx.acceptWebSocket(server);
    keep(server, { seq: Math.min(since ?? seq, seq), viewer, isAuthor: viewer === author, isNew: true, blocks });
    this.#wakeIn(0); // The first frame comes in any case, so that the subscriber knows where it stands.
    return client;
  }

  /** Called with each change. */
  changed(): void {
    if (this.#timer === undefined && this.#ctx.getWebSockets().length > 0) {
      this.#wakeIn(Math.max(0, this.#lastFrames + FRAME_DELAY - Date.now()));
    }
  }

  /** When the post is gone. */
  close(): void {
    for (const socket of this.#ctx.getWebSockets()) this.#end(socket);
  }

  #wakeIn(delay: number): void {
    this.#timer ??= setTimeout(() => void this.#sendFrames(), delay);
  }

  /** Who stands at the same `seq` gets the same frame. */
  async #sendFrames(): Promise<void> {
    this.#timer = undefined;
    if (this.#isSending) return this.#wakeIn(FRAME_DELAY);
    this.#isSending = true;
    try {
      await renewShards(this.#env);
      await this.#review();
      const frames = new Map<string, Frame>();
      for (const socket of this.#behind()) {
        const seat = seatOf(socket);
        const key = `${seat.seq} ${seat.isAuthor} ${seat.blocks ? seat.viewer : ""}`;
        const frame = frames.get(key) ?? (await this.#frame(seat));
        frames.set(key, frame);
        send(socket, frame.text);
        keep(socket, { ...seat, seq: frame.seq, isNew: false });
      }
      this.#lastFrames = Date.now();
      // More has changed in the meantime, or did not fit.
      if (this.#behind().length > 0) this.#wakeIn(FRAME_DELAY);
    } catch (error) {
      console.warn("frames not sent, will be again", { post: this.#sources.record.row.id, error: String(error) });
      this.#wakeIn(RETRY_DELAY);
    } finally {
      this.#isSending = false;
    }
  }

  /** Says so in a frame as well: a client learns that it was closed only when the connection ends, which may take long. */
  #end(socket: WebSocket): void {
    const { seq: from } = seatOf(socket);
    const { seq, policy } = this.#sources.record.row;
    const nothing = {
      likes: 0,
      comments: 0,
      commentPolicy: policy,
      pinned: null,
      changed: [],
      gone: [],
      reread: false,
    };
    send(socket, JSON.stringify({ from, seq, ...nothing, deleted: true } satisfies LiveFrame));
    socket.close(POST_GONE, "The post is gone");
  }

  #behind(): WebSocket[] {
    const { seq } = this.#sources.record.row;
    return this.#ctx.getWebSockets().filter((socket) => {
      const seat = seatOf(socket);
      return socket.readyState === WebSocket.OPEN && (seat.isNew || seat.seq < seq);
    });
  }

  /**
   * Closes the sockets of those who are in a block with the author, as if the post were gone, and learns who has blocks
   * at all. One query for each database that holds a viewer, every REVIEWED_EVERY while the post changes.
   */
  async #review(): Promise<void> {
    if (Date.now() - this.#reviewedAt < REVIEWED_EVERY) return;
    const sockets = this.#ctx.getWebSockets();
    const viewers = sockets.flatMap((socket) => seatOf(socket).viewer ?? []);
    const blocks = await blocksOf(this.#env, viewers, this.#sources.record.row.author);
    for (const socket of sockets) {
      const seat = seatOf(socket);
      const withAuthor = seat.viewer && blocks.get(seat.viewer);
      if (withAuthor) this.#end(socket);
      else if (seat.blocks !== (withAuthor === false)) keep(socket, { ...seat, blocks: withAuthor === false });
    }
    this.#reviewedAt = Date.now();
  }

  /** Costs one D1 query for the names of who wrote, if a comment has changed; one more for a viewer with blocks. */
  async #frame({ seq: from, isAuthor, viewer, blocks }: Seat): Promise<Frame> {
    const { record, comments } = this.#sources;
    const { likes, comments: count, seq: now, policy, pinned } = standingOf(record.row);
    const reread = comments.changedSince(from, COMMENTS_RESUMED) >= COMMENTS_RESUMED;
    const { changes, to } = reread ? { changes: [], to: now } : comments.changes(from + 1, COMMENTS_PER_FRAME);
    const shown = changes.filter(({ id }) => (isAuthor ? comments.existing(id) : comments.shown(id)));
    const unseen = blocks && viewer ? await this.#blockedBy(viewer, shown) : new Set<PersonId>();
    const seen = shown.filter((comment) => !this.#authorsOf(comment).some((author) => unseen.has(author)));
    const people = await this.#people(seen.flatMap(({ author, replyTo }) => (replyTo ? [author, replyTo] : [author])));
    for (const person of unseen) people.delete(person);
    const changed = seen.flatMap(({ state, ...comment }) => {
      const hiddenReplies = isAuthor ? comment.hiddenReplies : 0;
      const told = { ...comment, hiddenReplies, hidden: state === "hidden", liked: false };
      const { likedByMe: _, ...presented } = presentComment(told, people, comment.id === pinned) ?? {};
      return "id" in presented ? [presented] : [];
    });
    const gone = changes.filter((change) => !seen.includes(change)).map(({ id }) => id);
    const frame = {
      from,
      seq: to,
      likes,
      comments: count,
      commentPolicy: policy,
      pinned,
      changed,
      gone,
      reread,
      deleted: false,
    };
    return { seq: to, text: JSON.stringify(frame satisfies LiveFrame) };
  }

  /** Of a comment, and of the one whose thread it is in. */
  #authorsOf({ author, parent }: CommentFact): PersonId[] {
    const thread = parent === "" ? undefined : this.#sources.comments.existing(parent);
    return thread ? [author, thread.author] : [author];
  }

  async #blockedBy(viewer: PersonId, changes: CommentFact[]): Promise<Set<PersonId>> {
    const people = changes.flatMap((change) => [
      ...this.#authorsOf(change),
      ...(change.replyTo ? [change.replyTo] : []),
    ]);
    return people.length > 0 ? blockedAmong(this.#env, viewer, people) : new Set();
  }

  async #people(ids: PersonId[]): Promise<Map<PersonId, PersonCard>> {
    return ids.length > 0 ? peopleByIds(this.#env, ids) : new Map();
  }
}

const keep = (socket: WebSocket, seat: Seat): void => socket.serializeAttachment(seat);
const seatOf = (socket: WebSocket): Seat => socket.deserializeAttachment() as Seat;

/** One that has gone in the meantime is no reason to leave the others waiting. */
function send(socket: WebSocket, text: string): void {
  try {
    socket.send(text);
  } catch (error) {
    console.debug("a subscriber has gone", { error: String(error) });
  }
}

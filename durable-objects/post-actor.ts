import { DurableObject } from "cloudflare:workers";
import type { CommentPolicy, PostBody, PostStanding, SeenComment } from "../schema/facts.ts";
import { type CommentId, type PersonId, type PostId } from "../schema/ids.ts";
import { EMPTY, formatted } from "../schema/set-hash.ts";
import { Captions, type Caption } from "./captions.ts";
import { Combiner } from "./combiner.ts";
import { COMMENTS_MAX, CommentThreads, type ThreadQuery } from "./comment-threads.ts";
import { Heat } from "./heat.ts";
import { IdempotencyKeys } from "./idempotency-keys.ts";
import { LikeSet } from "./like-set.ts";
import { isMigrated, migrate } from "./migrate.ts";
import { bodyOf, Outbox, standingOf } from "./outbox.ts";
import { PostRecord } from "./post-record.ts";
import { type CommentRow, migrations } from "./post-tables.ts";
import { Subscribers } from "./subscribers.ts";

/** A refusal is a value: a class thrown across RPC arrives as a plain Error, and its kind is lost. */
export type Refusable<T, Reason = never> = ({ ok: true } & T) | { ok: false; reason: "post_not_found" | Reason };
export type Stats = { likes: number; comments: number; seq: number };
/** `confirmed`: the `seq` up to which D1 has everything. `digest`: of the people who like the post. */
export type PostState = Stats & { confirmed: number; digest: string };
/** A post as it stands, whole. */
export type Snapshot = { body: PostBody; standing: PostStanding; liked: boolean; confirmed: number };
type OnComment = { seq: number; comment: SeenComment; pinned: boolean };
export type NewPost = { id: PostId; author: PersonId; caption: string; media: PostBody["media"] };
export type NewComment = {
  author: PersonId;
  text: string;
  /** The comment that it replies to. */
  replyTo?: CommentId | undefined;
  /** Whether `author` is known to follow the post's author. */
  isFollower?: boolean;
  /** Under the same key (of `author`, for a day) the same comment is made once, and is answered each time. */
  key?: string | undefined;
};
export type LikeCommand = { person: PersonId; liked: boolean };
/** `gates`: through how many LikeGates the next likes of this post should come; 0 while it is not hot. */
export type LikeAnswer = Refusable<Stats & { liked: boolean; gates: number }>;
type CommentRefusal =
  "comment_not_found" | "comments_off" | "followers_only" | "too_many_comments" | "idempotency_key_reused";

/** Bounds how long one turn of the object takes: about 10 ms. */
const LIKES_PER_COMMIT = 500;
const NOT_FOUND = { ok: false, reason: "post_not_found" } as const;
const NO_COMMENT = { ok: false, reason: "comment_not_found" } as const;
const NOT_YOURS = { ok: false, reason: "not_yours" } as const;

/** What a published post consists of. */
type Parts = {
  record: PostRecord;
  likes: LikeSet;
  comments: CommentThreads;
  captions: Captions;
  outbox: Outbox;
  subscribers: Subscribers;
};

/**
 * One post: the only place where it, its likes and its comments change, one after the other, so a count is exact and
 * comments have one order. Commands are synchronous from the first read to the last write, so none needs a lock; the
 * runtime's output gate holds each answer until its writes are durable. Who asks is known and true; whether they may is
 * decided here.
 *
 * Cost of a like or an unlike that changes something: 1 row written, and one more for the alarm once in FLUSH_DELAY; one
 * fsync, shared by those that come together. One that changes nothing writes nothing.
 */
export class PostActor extends DurableObject<Env> {
  #parts: Parts | undefined;
  readonly #heat = new Heat();
  readonly #likeCommits = new Combiner((commands: LikeCommand[]) => this.#commitLikes(commands), LIKES_PER_COMMIT);

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    if (!isMigrated(ctx.storage)) return; // Asking for a post that does not exist must cost no storage.
    migrate(ctx.storage, migrations);
    this.#parts = this.#load();
  }

  /** Once. Repeating it with the same content finds the post as it stands; `false` means that the id is taken. */
  publish(post: NewPost): Snapshot | false {
    if (!this.#parts) {
      this.ctx.storage.transactionSync(() => {
        migrate(this.ctx.storage, migrations);
        PostRecord.create(this.ctx.storage, post);
      });
      this.#parts = this.#load();
      if (this.#parts) changed(this.#parts);
    }
    const parts = this.#live;
    if (!parts) return false;
    const { author, media } = parts.record.row;
    const isSame = author === post.author && parts.captions.original === post.caption;
    return isSame && JSON.stringify(media) === JSON.stringify(post.media) ? snapshotOf(parts, author) : false;
  }

  /** Changes the caption (the earlier one is kept), and who may comment; what is undefined stays. */
  edit(
    person: PersonId,
    { caption, policy }: { caption?: string | undefined; policy?: CommentPolicy | undefined },
  ): Refusable<Snapshot, "not_yours"> {
    return this.#asAuthor(person, (parts) => {
      const { record, captions } = parts;
      const { seq } = record.row;
      if (caption !== undefined) captions.change(caption);
      if (policy !== undefined && policy !== record.row.policy) record.save({ policy, seq: record.row.seq + 1 });
      if (record.row.seq !== seq) changed(parts);
      return { ok: true, ...snapshotOf(parts, person) };
    });
  }

  /** For ever. What people wrote goes at once; what remains is that there was a post, so that D1 learns of its end. */
  remove(person: PersonId): Refusable<{ standing: PostStanding; body: PostBody }, "not_yours"> {
    if (!this.#parts) return NOT_FOUND;
    const { record, likes, comments, captions, subscribers } = this.#parts;
    const { row } = record;
    if (row.author !== person) return row.deleted ? NOT_FOUND : NOT_YOURS;
    if (!row.deleted) {
      const seq = row.seq + 1;
      const nothing = { likes: 0, people: 0, comments: 0, own_comments: 0, digest: EMPTY, newest: [], pinned: null };
      const media = row.media.map((picture) => ({ ...picture, alt: "" }));
      record.save(
        { ...nothing, caption: "", media, deleted: 1, delivered: 1, likes_seq: seq, body_seq: seq, seq },
        () => {
          likes.clear();
          comments.clear();
          captions.clear();
          this.#keys.clear();
        },
      );
      changed(this.#parts);
      subscribers.close();
    }
    return { ok: true, standing: standingOf(row), body: bodyOf(row) };
  }

  /** What the caption was, newest first, for its author. */
  captions(person: PersonId): Refusable<{ captions: Caption[] }, "not_yours"> {
    return this.#asAuthor(person, (parts) => ({ ok: true, captions: parts.captions.all() }));
  }

  like(person: PersonId): Promise<LikeAnswer> {
    return this.#likeCommits.add({ person, liked: true });
  }

  unlike(person: PersonId): Promise<LikeAnswer> {
    return this.#likeCommits.add({ person, liked: false });
  }

  /** What a LikeGate has collected, in its order: one call, one commit. At most LIKES_PER_CALL. */
  setLikes(commands: LikeCommand[]): LikeAnswer[] {
    return commands.map((command) => this.#setLike(command));
  }

  /** Who likes the post; those who signed up last come first. */
  likers(before: PersonId | undefined, limit: number): Refusable<{ people: PersonId[] }> {
    const parts = this.#live;
    return parts ? { ok: true, people: parts.likes.page(before, limit) } : NOT_FOUND;
  }

  comment({ author, text, replyTo, isFollower = false, key }: NewComment): Refusable<OnComment, CommentRefusal> {
    const parts = this.#live;
    if (!parts) return NOT_FOUND;
    const { row } = parts.record;
    const request = JSON.stringify([text, replyTo ?? null]);
    const made = key === undefined ? undefined : this.#keys.find(author, key);
    if (made && made.request !== request) return { ok: false, reason: "idempotency_key_reused" };
    if (made) return this.#answer(parts, author, made.comment);

    if (author !== row.author && row.policy === "off") return { ok: false, reason: "comments_off" };
    if (author !== row.author && row.policy === "followers" && !isFollower) {
      return { ok: false, reason: "followers_only" };
    }
    if (row.comments >= COMMENTS_MAX) return { ok: false, reason: "too_many_comments" };
    const answered = replyTo && parts.comments.shown(replyTo);
    if (replyTo && !answered) return NO_COMMENT;
    const remember = (id: CommentId) => key !== undefined && this.#keys.remember(author, key, id, request);
    const id = parts.comments.add(author, text, answered || undefined, remember);
    changed(parts);
    return this.#answer(parts, author, id);
  }

  /** Who wrote a comment, and the one whose thread it is in. */
  commentAuthors(id: CommentId): Refusable<{ authors: PersonId[] }, "comment_not_found"> {
    const parts = this.#live;
    if (!parts) return NOT_FOUND;
    const comment = parts.comments.existing(id);
    if (!comment) return NO_COMMENT;
    const parent = comment.parent === "" ? undefined : parts.comments.existing(comment.parent);
    return { ok: true, authors: parent ? [comment.author, parent.author] : [comment.author] };
  }

  /** By who wrote it, and nobody else: not even the post's author puts words in their mouth. */
  editComment(person: PersonId, id: CommentId, text: string) {
    return this.#onComment(person, id, ({ comments }, comment) => {
      if (comment.author !== person) return NOT_YOURS;
      comments.edit(comment, text);
      return undefined;
    });
  }

  /** By who wrote it, or the post's author. Its replies go with it. Repeating it finds no comment. */
  removeComment(person: PersonId, id: CommentId): Refusable<{ seq: number }, "comment_not_found" | "not_yours"> {
    const parts = this.#live;
    if (!parts) return NOT_FOUND;
    const comment = commentFor(parts, person, id);
    if (!comment) return NO_COMMENT;
    if (comment.author !== person && parts.record.row.author !== person) return NOT_YOURS;
    parts.comments.remove(comment);
    changed(parts);
    return { ok: true, seq: parts.record.row.seq };
  }

  /** By the post's author. Of a hidden comment, and what replies to it, nobody else sees anything. */
  hideComment(person: PersonId, id: CommentId, hidden: boolean) {
    return this.#onComment(person, id, ({ comments, record }, comment) => {
      if (record.row.author !== person) return NOT_YOURS;
      comments.setHidden(comment, hidden);
      return undefined;
    });
  }

  /** By the post's author: one comment, of those on the post itself, that stands above the others. */
  pinComment(person: PersonId, id: CommentId, pinned: boolean) {
    return this.#onComment(person, id, ({ comments, record }, comment) => {
      const { row } = record;
      if (row.author !== person) return NOT_YOURS;
      if (pinned && (comment.parent !== "" || !comments.shown(id))) return NO_COMMENT;
      const wanted = pinned ? id : null;
      if (pinned ? row.pinned !== id : row.pinned === id) record.save({ pinned: wanted, seq: row.seq + 1 });
      return undefined;
    });
  }

  likeComment(person: PersonId, id: CommentId, liked: boolean) {
    return this.#onComment(person, id, ({ comments }, comment) => {
      if (!comments.shown(id)) return NO_COMMENT;
      comments.setLike(comment, person, liked);
      return undefined;
    });
  }

  /** The post as it stands, and whether `viewer` likes it: for a reader whose own writes are not in D1 yet. */
  snapshot(viewer: PersonId | undefined): Refusable<Snapshot> {
    const parts = this.#live;
    return parts ? { ok: true, ...snapshotOf(parts, viewer) } : NOT_FOUND;
  }

  /** For an audit of the projection. */
  state(): Refusable<PostState> {
    const parts = this.#live;
    if (!parts) return NOT_FOUND;
    const { confirmed, digest } = parts.record.row;
    return { ok: true, ...statsOf(parts), confirmed, digest: formatted(digest) };
  }

  /** Sends everything to the projector once more, from the beginning. */
  projectAgain(): void {
    this.#parts?.record.save({ confirmed: 0 });
    this.#parts?.outbox.restart();
  }

  /** A page of comments, and the pinned one, for a reader whose own writes are not in D1 yet. */
  comments(
    viewer: PersonId | undefined,
    query: ThreadQuery,
  ): Refusable<{ comments: SeenComment[]; pinned: SeenComment | undefined; seq: number }, "comment_not_found"> {
    const parts = this.#live;
    if (!parts) return NOT_FOUND;
    const isAuthor = viewer === parts.record.row.author;
    const { parent } = query;
    if (parent && (isAuthor ? parts.comments.existing(parent) : parts.comments.shown(parent))?.parent !== "") {
      return NO_COMMENT;
    }
    const { pinned, seq } = parts.record.row;
    return {
      ok: true,
      seq,
      comments: parts.comments.page(viewer, query),
      pinned: pinned ? parts.comments.seenBy(viewer, pinned) : undefined,
    };
  }

  /** From the projector: D1 has everything from `from` to `to`. A gap before `from` is left to be sent again. */
  confirmProjected(from: number, to: number): void {
    if (!this.#parts) return;
    const { record, likes, outbox } = this.#parts;
    const { confirmed, seq, unsaved } = record.row;
    if (from > confirmed + 1 || to <= confirmed) return;
    const upTo = Math.min(to, seq);
    // While likes keep coming, the note that there are any stays where it is.
    record.save({ confirmed: upTo, unsaved: upTo < seq ? unsaved : 0 });
    likes.confirmed(upTo);
    outbox.confirmed();
  }

  /** From fan-out, after each page of followers: it goes on, or, with `done`, every follower has been served. */
  confirmDelivered(done: boolean): void {
    if (!this.#parts || this.#parts.record.row.delivered) return;
    if (done) this.#parts.record.save({ delivered: 1 });
    this.#parts.outbox.confirmed();
  }

  /** A WebSocket for a subscriber, from the route that has decided that they may see the post; 404 or 503 without. */
  override fetch(request: Request): Response {
    const parts = this.#live;
    if (!parts) return new Response(null, { status: 404 });
    const { searchParams } = new URL(request.url);
    const since = searchParams.get("since");
    const viewer = searchParams.get("viewer") as PersonId | null;
    const blocks = searchParams.has("blocks");
    const webSocket = parts.subscribers.accept(since === null ? undefined : Number(since), viewer ?? undefined, blocks);
    return webSocket ? new Response(null, { status: 101, webSocket }) : new Response(null, { status: 503 });
  }

  /** Subscribers have nothing to say but "ping", which is answered without waking up. */
  override webSocketMessage(socket: WebSocket): void {
    socket.close(1008, "Nothing but ping is understood");
  }

  override async alarm(): Promise<void> {
    await this.#parts?.outbox.flush();
  }

  /** Undefined of a post that was never published, or is gone. */
  get #live(): Parts | undefined {
    return this.#parts?.record.row.deleted === 0 ? this.#parts : undefined;
  }

  get #keys(): IdempotencyKeys {
    return new IdempotencyKeys(this.ctx.storage.sql);
  }

  /** One commit for all of them. The next ones gather while it is under way. */
  async #commitLikes(commands: LikeCommand[]): Promise<LikeAnswer[]> {
    const answers = commands.map((command) => this.#setLike(command));
    await this.ctx.storage.sync();
    return answers;
  }

  #setLike({ person, liked }: LikeCommand): LikeAnswer {
    const parts = this.#live;
    if (!parts) return NOT_FOUND;
    if (parts.likes.set(person, liked)) changed(parts);
    return { ok: true, ...statsOf(parts), liked, gates: this.#heat.gatesAfterLike() };
  }

  #asAuthor<T, Reason>(
    person: PersonId,
    command: (parts: Parts) => Refusable<T, Reason>,
  ): Refusable<T, Reason | "not_yours"> {
    const parts = this.#live;
    if (!parts) return NOT_FOUND;
    return parts.record.row.author === person ? command(parts) : NOT_YOURS;
  }

  /** Runs a command on a comment that `person` knows, which may refuse; answers with the comment as they now see it. */
  #onComment(
    person: PersonId,
    id: CommentId,
    command: (parts: Parts, comment: CommentRow) => typeof NOT_YOURS | typeof NO_COMMENT | undefined,
  ): Refusable<OnComment, "comment_not_found" | "not_yours"> {
    const parts = this.#live;
    if (!parts) return NOT_FOUND;
    const comment = commentFor(parts, person, id);
    if (!comment) return NO_COMMENT;
    const { seq } = parts.record.row;
    const refused = command(parts, comment);
    if (refused) return refused;
    if (parts.record.row.seq !== seq) changed(parts);
    return this.#answer(parts, person, id);
  }

  #answer({ comments, record }: Parts, viewer: PersonId, id: CommentId): Refusable<OnComment, "comment_not_found"> {
    const comment = comments.existing(id) && comments.seenBy(viewer, id);
    const { seq, pinned } = record.row;
    return comment ? { ok: true, seq, comment, pinned: pinned === id } : NO_COMMENT;
  }

  #load(): Parts | undefined {
    const { storage } = this.ctx;
    const record = PostRecord.load(storage);
    if (!record) return undefined;
    const likes = new LikeSet(storage.sql, record);
    const comments = new CommentThreads(storage.sql, record);
    const captions = new Captions(storage.sql, record);
    const outbox = new Outbox(storage, this.env, { record, likes, comments });
    const subscribers = new Subscribers(this.ctx, this.env, { record, comments });
    return { record, likes, comments, captions, outbox, subscribers };
  }
}

/** After each change: D1 learns of it, and so does who looks on. */
function changed({ outbox, subscribers }: Parts): void {
  outbox.changed();
  subscribers.changed();
}

/** The comment, if `person` may know that it exists: what is hidden, only its own author and the post's. */
function commentFor({ comments, record }: Parts, person: PersonId, id: CommentId): CommentRow | undefined {
  const comment = comments.existing(id);
  const isTheirs = person === comment?.author || person === record.row.author;
  return isTheirs ? comment : comments.shown(id);
}

const statsOf = ({ record }: Parts): Stats => {
  const { likes, comments, seq } = record.row;
  return { likes, comments, seq };
};

const snapshotOf = ({ record, likes }: Parts, viewer: PersonId | undefined): Snapshot => ({
  body: bodyOf(record.row),
  confirmed: record.row.confirmed,
  standing: standingOf(record.row),
  liked: viewer !== undefined && likes.has(viewer),
});

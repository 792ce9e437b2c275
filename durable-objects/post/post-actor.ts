import { DurableObject } from "cloudflare:workers";
import { ALL_FOLLOWER_PARTS } from "../../schema/messages/fan-out.ts";
import type { CommentPolicy, PostBody, PostStanding } from "../../schema/posts.ts";
import { type CommentId, NOBODY, type PersonId } from "../../schema/ids.ts";
import type { RelayName } from "../../schema/live/live-relays.ts";
import { EMPTY, formatDigest } from "../../schema/set-hash.ts";
import type { Caption } from "./captions.ts";
import { Combiner } from "./likes/combiner.ts";
import * as comments from "./comments/comment-commands.ts";
import type { ThreadQuery, Traces } from "./comments/comment-threads.ts";
import { Heat } from "./likes/heat.ts";
import { isMigrated, migrate } from "./migrate.ts";
import { bodyOf, standingOf } from "./outbox/outbox.ts";
import { Post } from "./post.ts";
import {
  type LikeResult,
  type ChangedComment,
  type CommentRefusal,
  type HandedOut,
  type Held,
  type LikeCommand,
  type NewComment,
  type NewPost,
  POST_NOT_FOUND,
  NOT_YOURS,
  type PostState,
  type Reported,
  type Refusable,
  type Snapshot,
  type Takes,
} from "./post-results.ts";
import { PostRecord } from "./post-record.ts";
import { migrations, TABLES } from "./post-tables.ts";
import type { PostWindow } from "./post-window.ts";

/** Keeps one commit to about 10 ms of the object's time. */
const LIKES_PER_COMMIT = 500;

/**
 * One post: the only place where it, its likes and its comments change, one change after the other, so counts are exact
 * and comments have one order. Commands are synchronous from the first read to the last write, so none needs a lock;
 * the runtime's output gate holds each result until its writes are durable. The caller has authenticated the person;
 * whether they may run the command is decided here.
 *
 * A like or unlike that changes something writes 1 row, plus one for the alarm once in FLUSH_DELAY, and costs one
 * fsync, shared by all that arrive together. One that changes nothing writes nothing.
 */
export class PostActor extends DurableObject<Env> {
  #post: Post | undefined;
  readonly #heat = new Heat();
  readonly #likeCommits = new Combiner((commands: LikeCommand[]) => this.#commitLikes(commands), LIKES_PER_COMMIT);

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    if (!isMigrated(ctx.storage)) return; // A request for a post that does not exist must cost no storage.
    migrate(ctx.storage, migrations);
    this.#post = Post.load(this.ctx, this.env);
  }

  /** Publishes the post once. A repetition with the same content returns the present post; `false`: the id is taken. */
  publish({ mentions = [], ...published }: NewPost, { takes = false }: Takes = {}): (Snapshot & HandedOut) | false {
    if (!this.#post) {
      const { sql } = this.ctx.storage;
      this.ctx.storage.transactionSync(() => {
        migrate(this.ctx.storage, migrations, TABLES);
        PostRecord.create(this.ctx.storage, published);
        for (const person of mentions) sql.exec("INSERT INTO mentions VALUES (?, '')", person);
      });
      this.#post = Post.load(this.ctx, this.env);
      this.#post?.changed();
    }
    const post = this.#live;
    if (!post?.isBy(published.author) || post.captions.original !== published.caption) return false;
    const isSame = JSON.stringify(post.record.row.media) === JSON.stringify(published.media);
    if (!isSame) return false;
    return { ...post.snapshot(published.author), ...(takes && handedOutBy(post)) };
  }

  /** Changes the caption, keeping the earlier one, and the comment policy. A field that is undefined stays as it is. */
  edit(
    person: PersonId,
    { caption, policy }: { caption?: string | undefined; policy?: CommentPolicy | undefined },
  ): Refusable<Snapshot, "not_yours"> {
    return this.#asAuthor(person, (post) => {
      const { record, captions } = post;
      const { seq } = record.row;
      if (caption !== undefined) captions.change(caption);
      if (policy !== undefined && policy !== record.row.policy) record.save({ policy, seq: record.row.seq + 1 });
      if (record.row.seq !== seq) post.changed();
      return { ok: true, ...post.snapshot(person) };
    });
  }

  /**
   * Deletes the post for good. All text goes at once; a tombstone remains, so that D1 is informed of the deletion.
   * `forAccount`: the author's account is closed, so the tombstone forgets them and their files too.
   */
  remove(
    person: PersonId,
    { forAccount = false } = {},
  ): Refusable<{ standing: PostStanding; body: PostBody }, "not_yours"> {
    if (!this.#post) return POST_NOT_FOUND;
    const { record, likes, comments, captions, keys, outbox } = this.#post;
    const { row } = record;
    if (row.author !== person) return this.#live ? NOT_YOURS : POST_NOT_FOUND;
    if (!row.deleted) {
      const seq = row.seq + 1;
      const nothing = { likes: 0, people: 0, comments: 0, told_comments: 0, digest: EMPTY, newest: [], pinned: null };
      const media = row.media.map((picture) => ({ ...picture, alt: "" }));
      record.save(
        { ...nothing, caption: "", media, deleted: 1, delivered: 1, likes_seq: seq, body_seq: seq, seq },
        () => {
          likes.clear();
          comments.clear();
          captions.clear();
          keys.clear();
        },
      );
      outbox.hurry();
      this.#post.changed();
    }
    const result = { ok: true, standing: standingOf(row), body: bodyOf(row) } as const;
    if (forAccount) record.save({ author: NOBODY, media: [] });
    return result;
  }

  /**
   * Returns the people whose inboxes may name `person` because of this post: those its caption mentions if they are its
   * author, and those concerned by the comments in `traces`.
   */
  peopleTold(person: PersonId, traces: Traces): PersonId[] {
    const post = this.#live;
    if (!post) return [];
    const { sql } = this.ctx.storage;
    const mentioned = post.isBy(person)
      ? sql.exec<{ person: PersonId }>("SELECT person FROM mentions WHERE comment = ''").toArray()
      : [];
    return [...mentioned.map((one) => one.person), ...post.comments.peopleTold(person, traces)];
  }

  /**
   * Removes everything of a person whose account is closed, except the post itself if they are its author: their like,
   * and what D1 knows of their comments and likes of comments. May be repeated.
   */
  forget(person: PersonId, traces: Traces): void {
    const post = this.#live;
    if (!post) return;
    post.keys.forget(person);
    const changed = [post.likes.forget(person), post.comments.forget(person, traces)];
    if (changed.includes(true)) post.changed();
  }

  /** Returns all captions, newest first. Only the author may see them. */
  captions(person: PersonId): Refusable<{ captions: Caption[] }, "not_yours"> {
    return this.#asAuthor(person, (post) => ({ ok: true, captions: post.captions.all() }));
  }

  like(person: PersonId, { takes = false }: Takes = {}): Promise<LikeResult> {
    return this.#likeCommits.add({ person, liked: true, takes });
  }

  unlike(person: PersonId, { takes = false }: Takes = {}): Promise<LikeResult> {
    return this.#likeCommits.add({ person, liked: false, takes });
  }

  /** Commits the likes that a LikeGate has collected, in their order: one call, one commit. At most LIKES_PER_CALL. */
  setLikes(commands: LikeCommand[]): LikeResult[] {
    return commands.map((command) => this.#setLike(command));
  }

  /** Returns a page of the people who like the post, the ones who signed up last first. */
  likers(before: PersonId | undefined, limit: number): Refusable<{ people: PersonId[] }> {
    const post = this.#existing;
    return post ? { ok: true, people: post.likes.page(before, limit) } : POST_NOT_FOUND;
  }

  comment(comment: NewComment, { takes = false }: Takes = {}): Refusable<ChangedComment & HandedOut, CommentRefusal> {
    const post = this.#live;
    if (!post) return POST_NOT_FOUND;
    const result = comments.make(post, comment);
    return takes && result.ok ? { ...result, ...handedOutBy(post) } : result;
  }

  /** Returns the authors of a comment and of the comment whose thread it is in. */
  commentAuthors(id: CommentId) {
    return this.#live ? comments.authors(this.#live, id) : POST_NOT_FOUND;
  }

  editComment(person: PersonId, id: CommentId, text: string, held?: Held) {
    return this.#live ? comments.edit(this.#live, person, id, text, held) : POST_NOT_FOUND;
  }

  /** Deletes those of `ids` that `person` has written, for the post's author `by` or, without one, for moderators. */
  removeComments(person: PersonId, ids: readonly CommentId[], by?: PersonId) {
    return this.#existing ? comments.removeAll(this.#existing, person, ids, by) : POST_NOT_FOUND;
  }

  removeComment(person: PersonId, id: CommentId) {
    if (!this.#existing) return POST_NOT_FOUND;
    const result = comments.remove(this.#existing, person, id);
    return result.ok || this.#live ? result : POST_NOT_FOUND;
  }

  hideComment(person: PersonId, id: CommentId, hidden: boolean) {
    return this.#live ? comments.hide(this.#live, person, id, hidden) : POST_NOT_FOUND;
  }

  pinComment(person: PersonId, id: CommentId, pinned: boolean) {
    return this.#live ? comments.pin(this.#live, person, id, pinned) : POST_NOT_FOUND;
  }

  likeComment(person: PersonId, id: CommentId, liked: boolean) {
    return this.#live ? comments.like(this.#live, person, id, liked) : POST_NOT_FOUND;
  }

  /** Returns a page of comments and the pinned one, for a viewer whose own writes are not in D1 yet. */
  comments(viewer: PersonId | undefined, query: ThreadQuery) {
    const post = this.#readBy(viewer);
    return post ? comments.page(post, viewer, query) : POST_NOT_FOUND;
  }

  /** Returns the present post, and whether `viewer` likes it, for a viewer whose own writes are not in D1 yet. */
  snapshot(viewer: PersonId | undefined): Refusable<Snapshot> {
    const post = this.#readBy(viewer);
    return post ? { ok: true, ...post.snapshot(viewer) } : POST_NOT_FOUND;
  }

  /** Returns the comment that is shown, for a report. */
  reported(id: CommentId): Refusable<{ comment: Reported }, "comment_not_found"> {
    return this.#live ? comments.reported(this.#live, id) : POST_NOT_FOUND;
  }

  /**
   * Takes the post down or restores it, by the decision of moderators with this `version`. An older one changes nothing,
   * so decisions may arrive twice or late. Writes one row if something changes.
   */
  takeDown(version: number, down: boolean): Refusable<Snapshot> {
    const post = this.#existing;
    if (!post) return POST_NOT_FOUND;
    const { record } = post;
    if (version > record.row.moderation) {
      record.save({ taken_down: Number(down), moderation: version, seq: record.row.seq + 1 });
      post.changed();
    }
    return { ok: true, ...post.snapshot(undefined) };
  }

  /** Hides a comment or shows it again, by the decision of moderators with this `version`, as `takeDown` does. */
  moderateComment(id: CommentId, version: number, hidden: boolean): Refusable<HandedOut, "comment_not_found"> {
    const post = this.#existing;
    if (!post) return POST_NOT_FOUND;
    const result = comments.moderate(post, id, version, hidden);
    return result.ok ? { ok: true, ...handedOutBy(post) } : result;
  }

  /**
   * Returns the counts, the digest and the `seq` up to which D1 has everything, for an audit of the projection. Costs
   * one D1 query if something is unconfirmed.
   */
  async state(): Promise<Refusable<PostState>> {
    await this.#post?.outbox.confirm();
    const post = this.#existing;
    if (!post) return POST_NOT_FOUND;
    const { confirmed, digest } = post.record.row;
    return { ok: true, ...post.stats, confirmed, digest: formatDigest(digest) };
  }

  /** Sends everything to the projector again, from the beginning. */
  projectAgain(): void {
    this.#post?.record.save({ confirmed: 0, noticed: 0 });
    this.#post?.outbox.restart();
  }

  /**
   * Called by fan-out after each message: it is under way, and all followers in `ranges` (a bit for each follower
   * range) have been served. Returns the ranges that are left; none for a post that is deleted. The set only grows, so
   * calls may come twice, late or in any order, from roots that split differently. Writes a row when a range is new.
   */
  confirmDelivered(ranges: number): number {
    if (!this.#post || this.#post.record.row.delivered) return 0;
    const { record, outbox } = this.#post;
    const served = record.row.served | ranges;
    if (served !== record.row.served) record.save({ served, delivered: Number(served === ALL_FOLLOWER_PARTS) });
    outbox.delivered();
    return ALL_FOLLOWER_PARTS & ~served;
  }

  /**
   * Called by a relay whose sockets watch the post; from now on it gets every change. Returns the changes above
   * `since`, or the standing alone without it. Writes a row for a relay that is new.
   */
  async watchedAt(relay: RelayName, since: number | undefined): Promise<Refusable<{ window: PostWindow }>> {
    const post = this.#existing;
    return post ? { ok: true, window: await post.relays.watchedAt(relay, since) } : POST_NOT_FOUND;
  }

  override async alarm(): Promise<void> {
    await this.#post?.outbox.alarm();
  }

  /** The post; undefined if it was never published or is deleted or taken down. */
  get #live(): Post | undefined {
    return this.#post?.record.row.taken_down === 0 ? this.#existing : undefined;
  }

  /** The post, even if it is taken down. */
  get #existing(): Post | undefined {
    return this.#post?.record.row.deleted === 0 ? this.#post : undefined;
  }

  /** The post as far as `viewer` may read it: the author reads it though it is taken down. */
  #readBy(viewer: PersonId | undefined): Post | undefined {
    return this.#existing?.isBy(viewer) === true ? this.#existing : this.#live;
  }

  /** Makes one commit for all commands. The next commands gather while it is under way. */
  async #commitLikes(commands: LikeCommand[]): Promise<LikeResult[]> {
    const results = commands.map((command) => this.#setLike(command));
    // The first who takes it gets the changes of all.
    const taker = commands.findIndex(({ takes }) => takes);
    const taken = results[taker];
    if (taken?.ok && this.#post) Object.assign(taken, handedOutBy(this.#post));
    await this.ctx.storage.sync();
    return results;
  }

  #setLike({ person, liked }: LikeCommand): LikeResult {
    const post = this.#live;
    if (!post) return POST_NOT_FOUND;
    if (post.likes.set(person, liked)) post.changed();
    return { ok: true, ...post.stats, liked, gates: this.#heat.gatesAfterLike() };
  }

  #asAuthor<T, Reason>(
    person: PersonId,
    command: (post: Post) => Refusable<T, Reason>,
  ): Refusable<T, Reason | "not_yours"> {
    const post = this.#live;
    if (!post) return POST_NOT_FOUND;
    return post.record.row.author === person ? command(post) : NOT_YOURS;
  }
}

const handedOutBy = ({ outbox }: Post): HandedOut => outbox.handOut();

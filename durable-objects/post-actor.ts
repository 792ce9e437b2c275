import { DurableObject } from "cloudflare:workers";
import { IDEMPOTENCY_KEY_LASTS } from "../schema/api/common.ts";
import type { PostBody } from "../schema/facts.ts";
import { type CommentId, newId, type PersonId, type PostId, shardOf, timeOf } from "../schema/ids.ts";
import { added, formatted, removed, type SetHash } from "../schema/set-hash.ts";
import { isMigrated, migrate } from "./migrate.ts";
import { Outbox } from "./outbox.ts";
import { type CommentRow, migrations, type PostRow } from "./post-tables.ts";

/** A refusal is a value: a class thrown across RPC arrives as a plain Error, and its kind is lost. */
export type Refusable<T, Reason = never> = ({ ok: true } & T) | { ok: false; reason: "post_not_found" | Reason };
export type Stats = { likes: number; comments: number; seq: number };
/** `confirmed`: the `seq` up to which D1 has everything. `digest`: of the people who like the post. */
export type PostState = Stats & { confirmed: number; digest: string };
export type StoredComment = { id: CommentId; author: PersonId; text: string };
export type NewPost = PostBody & { id: PostId; author: PersonId };

/** The most comments of one page. */
export const COMMENTS_PAGE_MAX = 50;
const INSERT_POST = `
  INSERT INTO post (id, author, caption, media, body_seq, seq, likes, comments, own_comments, confirmed, delivered)
  VALUES (?, ?, ?, ?, 1, 1, 0, 0, 0, 0, 0)`;
const NOT_FOUND = { ok: false, reason: "post_not_found" } as const;

/**
 * One post: the only place where its likes and comments change, one after the other, so a count is exact and comments
 * have one order. Commands are synchronous from the first read to the last write, so none needs a lock; the runtime's
 * output gate holds each answer until its writes are durable.
 *
 * Cost of a like or an unlike that changes something: 3 rows written (the like, its place in the outbox, the post), and
 * one more for the alarm once in FLUSH_DELAY; one fsync. One that changes nothing writes nothing. A comment writes 3, and
 * one more for its idempotency key.
 */
export class PostActor extends DurableObject<Env> {
  readonly #sql = this.ctx.storage.sql;
  #post: PostRow | undefined;
  #outbox: Outbox | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    if (!isMigrated(ctx.storage)) return; // Asking for a post that does not exist must cost no storage.
    migrate(ctx.storage, migrations);
    this.#load();
  }

  /** Once. Repeating it with the same content is answered the same way; `false` means that the id is taken. */
  publish({ id, author, caption, media }: NewPost): Stats | false {
    const pictures = JSON.stringify(media);
    if (!this.#post) {
      this.ctx.storage.transactionSync(() => {
        migrate(this.ctx.storage, migrations);
        this.#sql.exec(INSERT_POST, id, author, caption, pictures);
      });
      this.#load();
      this.#outbox?.changed();
    }
    const post = this.#post;
    if (post?.author !== author || post.caption !== caption || post.media !== pictures) return false;
    return statsOf(post);
  }

  like(person: PersonId): Refusable<Stats & { liked: boolean }> {
    return this.#setLike(person, true);
  }

  unlike(person: PersonId): Refusable<Stats & { liked: boolean }> {
    return this.#setLike(person, false);
  }

  /** With a `key` (of `author`, for a day) the same text makes one comment, and is answered with it each time. */
  comment(
    author: PersonId,
    text: string,
    key?: string,
  ): Refusable<Stats & { comment: StoredComment }, "idempotency_key_reused"> {
    const post = this.#post;
    if (!post) return NOT_FOUND;
    const made = key === undefined ? undefined : this.#madeUnder(author, key);
    if (made && made.text !== text) return { ok: false, reason: "idempotency_key_reused" };
    if (made) return { ok: true, ...statsOf(post), comment: made };

    const id = this.#nextCommentId(post.id);
    const own = author === post.author ? 1 : 0;
    this.#change(post, { comments: post.comments + 1, own_comments: post.own_comments + own }, (seq) => {
      this.#sql.exec("INSERT INTO comments VALUES (?, ?, ?, ?)", id, author, text, seq);
      if (key !== undefined) this.#remember(author, key, id);
    });
    return { ok: true, ...statsOf(post), comment: { id, author, text } };
  }

  /** Where the post stands, and whether `viewer` likes it: for a reader whose own writes are not in D1 yet. */
  snapshot(viewer: PersonId | undefined): Refusable<Stats & { liked: boolean }> {
    if (!this.#post) return NOT_FOUND;
    return { ok: true, ...statsOf(this.#post), liked: viewer !== undefined && this.#likes(viewer) };
  }

  /** For an audit of the projection. */
  state(): Refusable<PostState> {
    if (!this.#post) return NOT_FOUND;
    const { confirmed, digest } = this.#post;
    return { ok: true, ...statsOf(this.#post), confirmed, digest: formatted(JSON.parse(digest) as SetHash) };
  }

  /** Sends everything to the projector once more, from the beginning. */
  projectAgain(): void {
    if (!this.#post) return;
    this.#write(this.#post, { confirmed: 0 });
    this.#outbox?.restart();
  }

  /** Oldest first, from the one after `after` on; at most `limit` (up to COMMENTS_PAGE_MAX + 1). */
  comments(after: CommentId | undefined, limit: number): Refusable<{ comments: StoredComment[] }> {
    if (!this.#post) return NOT_FOUND;
    const comments = this.#sql
      .exec<StoredComment>(
        "SELECT id, author, text FROM comments WHERE id > ? ORDER BY id LIMIT ?",
        after ?? "",
        Math.min(limit, COMMENTS_PAGE_MAX + 1),
      )
      .toArray();
    return { ok: true, comments };
  }

  /** From the projector: D1 has everything from `from` to `to`. A gap before `from` is left to be sent again. */
  confirmProjected(from: number, to: number): void {
    const post = this.#post;
    if (!post || from > post.confirmed + 1 || to <= post.confirmed) return;
    this.#write(post, { confirmed: Math.min(to, post.seq) });
    this.#outbox?.confirmed();
  }

  /** From fan-out, after each page of followers: it goes on, or, with `done`, every follower has been served. */
  confirmDelivered(done: boolean): void {
    if (!this.#post || this.#post.delivered) return;
    if (done) this.#write(this.#post, { delivered: 1 });
    this.#outbox?.confirmed();
  }

  override async alarm(): Promise<void> {
    await this.#outbox?.flush();
  }

  #setLike(person: PersonId, liked: boolean): Refusable<Stats & { liked: boolean }> {
    const post = this.#post;
    if (!post) return NOT_FOUND;
    if (this.#likes(person) !== liked) {
      const digest = (liked ? added : removed)(JSON.parse(post.digest) as SetHash, person);
      this.#change(post, { likes: post.likes + (liked ? 1 : -1), digest: JSON.stringify(digest) }, (seq) => {
        this.#sql.exec(
          `INSERT INTO likes VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET liked = excluded.liked, seq = excluded.seq, at = excluded.at`,
          person,
          Number(liked),
          seq,
          Date.now(),
        );
      });
    }
    return { ok: true, ...statsOf(post), liked };
  }

  #likes(person: PersonId): boolean {
    return this.#sql.exec("SELECT 1 FROM likes WHERE person = ? AND liked = 1", person).toArray().length > 0;
  }

  #madeUnder(author: PersonId, key: string): StoredComment | undefined {
    const [made] = this.#sql
      .exec<StoredComment>(
        `SELECT comments.id, author, text FROM idempotency_keys JOIN comments ON comments.id = comment
         WHERE person = ? AND key = ? AND at > ?`,
        author,
        key,
        Date.now() - IDEMPOTENCY_KEY_LASTS,
      )
      .toArray();
    return made;
  }

  // The person's old keys go when they make a new one, so nobody has to look for them.
  #remember(person: PersonId, key: string, comment: CommentId): void {
    const now = Date.now();
    this.#sql.exec("DELETE FROM idempotency_keys WHERE person = ? AND at <= ?", person, now - IDEMPOTENCY_KEY_LASTS);
    this.#sql.exec("INSERT INTO idempotency_keys VALUES (?, ?, ?, ?)", person, key, comment, now);
  }

  /** One change: what `apply` writes, the next `seq` and the counts, all of it or nothing. */
  #change(post: PostRow, counts: Partial<PostRow>, apply: (seq: number) => void): void {
    const seq = post.seq + 1;
    this.#write(post, { ...counts, seq }, () => apply(seq));
    this.#outbox?.changed();
  }

  /** Writes columns of the post's row, and then remembers them: a write that fails must not be remembered. */
  #write(post: PostRow, columns: Partial<PostRow>, before?: () => void): void {
    const assignments = Object.keys(columns).map((column) => `${column} = ?`);
    this.ctx.storage.transactionSync(() => {
      before?.();
      this.#sql.exec(`UPDATE post SET ${assignments.join(", ")}`, ...Object.values(columns));
    });
    Object.assign(post, columns);
  }

  // Comments are ordered by id, so an id must be above the last one even when the clock goes back.
  #nextCommentId(post: PostId): CommentId {
    const [last] = this.#sql.exec<Pick<CommentRow, "id">>("SELECT id FROM comments ORDER BY id DESC LIMIT 1").toArray();
    return newId<CommentId>(shardOf(post), last ? Math.max(Date.now(), timeOf(last.id) + 1) : Date.now());
  }

  #load(): void {
    const [post] = this.#sql.exec<PostRow>("SELECT * FROM post").toArray();
    if (!post) return;
    this.#post = post;
    this.#outbox = new Outbox(this.ctx.storage, this.env, post);
  }
}

const statsOf = ({ likes, comments, seq }: PostRow): Stats => ({ likes, comments, seq });

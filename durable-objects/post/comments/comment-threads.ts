/**
 * The comments of a post, in two levels: comments on the post itself, and the replies under each. A reply to a reply is
 * on the second level too, and names the person it replies to.
 *
 * Counts include only what everybody sees. A post counts its comments that are neither hidden nor gone, nor under such
 * a comment; a comment counts its replies likewise. Each row that changes gets a `seq` of its own, so that a message
 * can end between any two.
 */
import { PAGE_MAX } from "../../../schema/api/common.ts";
import type { SeenComment } from "../../../schema/comments.ts";
import type { CommentFact, CommentLikeFact } from "../../../schema/messages/facts.ts";
import { AFTER_EVERY_ID, type CommentId, newId, NOBODY, type PersonId, shardOf, timeOf } from "../../../schema/ids.ts";
import type { NewComment } from "../post-results.ts";
import type { PostRecord } from "../post-record.ts";
import { type CommentLikeRow, type CommentRow, GONE, HIDDEN, HIDDEN_BY, type PostRow, SHOWN } from "../post-tables.ts";

export type ThreadQuery = {
  /** The comment whose replies to return; "" for the comments on the post itself. */
  parent: CommentId | "";
  newestFirst: boolean;
  /** The last comment of the previous page. */
  after: CommentId | undefined;
  /** At most COMMENTS_READ_MAX. */
  limit: number;
};

/** The most comments of one read: a page, one that shows whether there are more, and one to replace the pinned one. */
export const COMMENTS_READ_MAX = PAGE_MAX + 2;
/** The most comments of one post: about 1 GB of an object's 10. */
export const COMMENTS_MAX = 1_000_000;

const STATES = ["shown", "hidden", "gone"] as const;

/** The comments in the post's storage, with their likes and mentions. comment-commands.ts decides who may do what. */
export class CommentThreads {
  readonly #sql: SqlStorage;
  readonly #post: PostRecord;

  constructor(sql: SqlStorage, post: PostRecord) {
    this.#sql = sql;
    this.#post = post;
  }

  /** Returns a comment that is shown, as is its parent. Only such a comment can be replied to or liked. */
  shown(id: CommentId): CommentRow | undefined {
    return this.#upTo(SHOWN, id);
  }

  /** Returns a comment that is shown or hidden, as is its parent. Replies to a comment that is gone are gone too. */
  existing(id: CommentId): CommentRow | undefined {
    return this.#upTo(HIDDEN, id);
  }

  /**
   * Adds a comment, or a reply to `target`. Writes four rows: the comment, its two index entries and the post; two more
   * for a reply, for its parent's count, and one for each mention. `alsoWrite` runs in the same transaction.
   */
  add(
    {
      author,
      text,
      mentions: mentioned = [],
      hiddenBy = 0,
    }: Pick<NewComment, "author" | "text" | "mentions"> & {
      hiddenBy?: number;
    },
    target: CommentRow | undefined,
    alsoWrite?: (id: CommentId) => void,
  ): CommentId {
    const id = this.#nextId();
    const parent = target ? target.parent || target.id : "";
    const replyTo = target?.author ?? null;
    const seq = this.#post.row.seq + (parent === "" ? 1 : 2);
    const mentions = mentioned.filter((person) => person !== author && person !== replyTo);
    const owner = this.#post.row.author;
    const told = owner === author || owner === replyTo || mentions.includes(owner) ? 0 : 1;
    const row = { id, parent, told, replies: 0, told_replies: 0 } as const;
    const shown = Number(hiddenBy === 0);
    this.#post.save({ ...this.#countsWith(row, shown), seq }, () => {
      this.#sql.exec(
        `INSERT INTO comments (id, author, text, seq, text_seq, parent, reply_to, told, mentions, hidden_by, state)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
        id,
        author,
        text,
        seq,
        parent,
        replyTo,
        told,
        JSON.stringify(mentions),
        hiddenBy,
        hiddenBy === 0 ? SHOWN : HIDDEN,
      );
      for (const person of mentions) this.#sql.exec("INSERT INTO mentions VALUES (?, ?)", person, id);
      this.#countInParent(row, { shown, hidden: 1 - shown }, seq - 1);
      alsoWrite?.(id);
    });
    return id;
  }

  edit(comment: CommentRow, text: string): void {
    if (comment.text === text) return;
    const seq = this.#post.row.seq + 1;
    this.#post.save({ seq }, () =>
      this.#sql.exec(
        "UPDATE comments SET text = ?1, edited_at = ?2, seq = ?3, text_seq = ?3 WHERE id = ?4",
        text,
        Date.now(),
        seq,
        comment.id,
      ),
    );
  }

  /** Deletes the comment's text, but keeps its row, because D1 must still be informed of the deletion. */
  remove(comment: CommentRow): void {
    this.#setState(comment, GONE);
  }

  /** Notes who hides the comment, a sum of HIDDEN_BY, and by which decision of moderators. 0 shows it. */
  setHiddenBy(comment: CommentRow, hiddenBy: number, moderation = comment.moderation): void {
    if (comment.hidden_by !== hiddenBy || comment.moderation !== moderation) {
      const set = "UPDATE comments SET hidden_by = ?, moderation = ? WHERE id = ?";
      this.#sql.exec(set, hiddenBy, moderation, comment.id);
    }
    this.#setState(comment, hiddenBy > 0 ? HIDDEN : SHOWN);
  }

  /**
   * Returns the like count. Writes five rows: the like, the comment, their entries in the indexes by `seq`, and the
   * post; none if nothing changes.
   */
  setLike(comment: CommentRow, person: PersonId, liked: boolean): number {
    const [before] = this.#sql
      .exec<CommentLikeRow>("SELECT * FROM comment_likes WHERE comment = ? AND person = ?", comment.id, person)
      .toArray();
    if ((before?.liked === 1) === liked) return comment.likes;
    const seq = this.#post.row.seq + 1;
    const likes = comment.likes + (liked ? 1 : -1);
    const likers = comment.likers + (before || person === comment.author ? 0 : 1);
    this.#post.save({ seq }, () => {
      this.#sql.exec(
        `INSERT INTO comment_likes (comment, person, liked, seq, nth) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET liked = excluded.liked, seq = excluded.seq`,
        comment.id,
        person,
        Number(liked),
        seq,
        likers,
      );
      this.#sql.exec("UPDATE comments SET likes = ?, likers = ?, seq = ? WHERE id = ?", likes, likers, seq, comment.id);
    });
    return likes;
  }

  /** Returns a comment as `viewer` sees it; undefined if it is gone. */
  seenBy(viewer: PersonId | undefined, id: CommentId): SeenComment | undefined {
    const [row] = this.#sql.exec<SeenRow>(`${SEEN} WHERE id = ?2 AND state < ${GONE}`, viewer ?? "", id).toArray();
    return row && seenBy(viewer === this.#post.row.author)(row);
  }

  /**
   * Returns a page of a thread, with hidden comments for the post's author and their own writers. Reads the page and its
   * hidden comments.
   */
  page(viewer: PersonId | undefined, { parent, newestFirst, after, limit }: ThreadQuery): SeenComment[] {
    const isAuthor = viewer === this.#post.row.author;
    const upTo = isAuthor ? HIDDEN : SHOWN;
    const [beyond, order] = newestFirst ? ["<", "DESC"] : [">", "ASC"];
    return this.#sql
      .exec<SeenRow>(
        `${SEEN} WHERE parent = ?2 AND state < ${GONE} AND (state <= ?3 OR author = ?1) AND id ${beyond} ?4
         ORDER BY id ${order} LIMIT ?5`,
        viewer ?? "",
        parent,
        upTo,
        after ?? (newestFirst ? AFTER_EVERY_ID : ""),
        Math.min(limit, COMMENTS_READ_MAX),
      )
      .toArray()
      .map(seenBy(isAuthor));
  }

  /** Returns the first `limit` comments by `seq`, starting at `from`, and the `seq` up to which they are complete. */
  changes(from: number, limit: number): { changes: CommentFact[]; to: number } {
    const rows = this.#after<CommentRow>("comments", from, limit);
    return { changes: rows.map(factOf), to: this.#allUpTo(rows, limit) };
  }

  /**
   * Returns the last comment before the first one that has changed after `seq`; the last of all if none has changed; ""
   * if there is no such comment.
   */
  wholeUpTo(seq: number): CommentId | "" {
    const [first] = this.#sql
      .exec<{ id: CommentId | null }>("SELECT min(id) AS id FROM comments WHERE seq > ?", seq)
      .toArray();
    const [last] = this.#sql
      .exec<Pick<CommentRow, "id">>(
        "SELECT id FROM comments WHERE id < ? ORDER BY id DESC LIMIT 1",
        first?.id ?? AFTER_EVERY_ID,
      )
      .toArray();
    return last?.id ?? "";
  }

  /** Counts the comments that have changed since `seq`, up to `atMost`. */
  changedSince(seq: number, atMost: number): number {
    return this.#sql
      .exec<{ changed: number }>(
        "SELECT count(*) AS changed FROM (SELECT 1 FROM comments WHERE seq > ? LIMIT ?)",
        seq,
        atMost,
      )
      .one().changed;
  }

  /** Does the same as `changes`, for the likes of comments. */
  likeChanges(from: number, limit: number): { changes: CommentLikeFact[]; to: number } {
    const rows = this.#after<CommentLikeRow>("comment_likes", from, limit);
    const changes = rows.map(({ comment, person, liked, seq }) => ({ comment, person, liked: liked === 1, seq }));
    return { changes, to: this.#allUpTo(rows, limit) };
  }

  /**
   * Returns the people whose inboxes may name `person` because of these comments of theirs, and of these comments that
   * they like. Reads two rows a comment at most.
   */
  peopleTold(person: PersonId, { written, liked }: Traces): PersonId[] {
    const own = written.flatMap((id) => this.#row(id) ?? []).filter(({ author }) => author === person);
    return [
      ...own.flatMap(({ reply_to, mentions }) => [
        ...(reply_to ? [reply_to] : []),
        ...(JSON.parse(mentions) as PersonId[]),
      ]),
      ...liked.flatMap((id) => this.#row(id)?.author ?? []),
    ];
  }

  /**
   * Removes a person whose account is closed: deletes these comments of theirs as `remove` does, and then the id of
   * their writer; their likes of `liked` as if they had never been; and their id wherever others answer or mention them.
   * Returns whether that changed anything that D1 or a client shows. Writes a few rows for each comment, and reads all
   * comments of the post if there are any of `written`.
   */
  forget(person: PersonId, { written, liked }: Traces): boolean {
    const { seq } = this.#post.row;
    for (const id of liked) this.#forgetLike(id, person);
    if (written.length > 0) this.#sql.exec("UPDATE comments SET reply_to = NULL WHERE reply_to = ?", person);
    for (const id of written) {
      const comment = this.#row(id);
      if (comment?.author !== person) continue;
      this.#setState(comment, GONE);
      this.#sql.exec("UPDATE comments SET author = ? WHERE id = ?", NOBODY, id);
    }
    this.#sql.exec(
      `UPDATE comments SET mentions = (SELECT json_group_array(value) FROM json_each(mentions) WHERE value <> ?1)
       WHERE id IN (SELECT comment FROM mentions WHERE person = ?1)`,
      person,
    );
    this.#sql.exec("DELETE FROM mentions WHERE person = ?", person);
    return this.#post.row.seq !== seq;
  }

  #forgetLike(id: CommentId, person: PersonId): void {
    const [like] = this.#sql
      .exec<CommentLikeRow>("SELECT * FROM comment_likes WHERE comment = ? AND person = ?", id, person)
      .toArray();
    if (!like) return;
    const seq = this.#post.row.seq + like.liked;
    this.#post.save({ seq }, () => {
      this.#sql.exec("DELETE FROM comment_likes WHERE comment = ? AND person = ?", id, person);
      if (like.liked === 1) this.#sql.exec("UPDATE comments SET likes = likes - 1, seq = ? WHERE id = ?", seq, id);
    });
  }

  /** Deletes everything, when the post is deleted. */
  clear(): void {
    this.#sql.exec("DELETE FROM comments; DELETE FROM comment_likes; DELETE FROM mentions");
  }

  #setState(comment: CommentRow, state: CommentRow["state"]): void {
    if (comment.state === state) return;
    const change = Number(state === SHOWN) - Number(comment.state === SHOWN);
    const seq = this.#post.row.seq + (comment.parent === "" ? 1 : 2);
    const unpinned = this.#post.row.pinned === comment.id ? { pinned: null } : {};
    this.#post.save({ ...this.#countsWith(comment, change), ...unpinned, seq }, () => {
      const text = state === GONE ? "" : comment.text;
      this.#sql.exec(
        "UPDATE comments SET state = ?, state_seq = ?, text = ?, seq = ? WHERE id = ?",
        state,
        seq,
        text,
        seq,
        comment.id,
      );
      const hidden = Number(state === HIDDEN) - Number(comment.state === HIDDEN);
      this.#countInParent(comment, { shown: change, hidden }, seq - 1);
    });
  }

  /** Returns the post's counts after `comment` and its replies become visible (1) or invisible (-1). */
  #countsWith(comment: Counted, change: number): Pick<PostRow, "comments" | "told_comments"> {
    const { comments, told_comments } = this.#post.row;
    const isParentShown = comment.parent === "" || this.#row(comment.parent)?.state === SHOWN;
    const by = isParentShown ? change : 0;
    return {
      comments: comments + by * (1 + comment.replies),
      told_comments: told_comments + by * (comment.told + comment.told_replies),
    };
  }

  #countInParent({ parent, told }: Counted, change: { shown: number; hidden: number }, seq: number): void {
    if (parent === "") return;
    this.#sql.exec(
      `UPDATE comments SET replies = replies + ?, told_replies = told_replies + ?, hidden_replies = hidden_replies + ?,
         seq = ? WHERE id = ?`,
      change.shown,
      told * change.shown,
      change.hidden,
      seq,
      parent,
    );
  }

  /** Returns the comment if its state and its parent's state are at most `state`. */
  #upTo(state: CommentRow["state"], id: CommentId): CommentRow | undefined {
    const comment = this.#row(id);
    if (!comment || comment.state > state) return undefined;
    const parent = comment.parent === "" ? comment : this.#row(comment.parent);
    return parent && parent.state <= state ? comment : undefined;
  }

  #row(id: CommentId): CommentRow | undefined {
    return this.#sql.exec<CommentRow>("SELECT * FROM comments WHERE id = ?", id).toArray()[0];
  }

  // Comments are ordered by id, so a new id must be above the last one even if the clock goes back.
  #nextId(): CommentId {
    const [last] = this.#sql.exec<Pick<CommentRow, "id">>("SELECT id FROM comments ORDER BY id DESC LIMIT 1").toArray();
    const time = last ? Math.max(Date.now(), timeOf(last.id) + 1) : Date.now();
    return newId<CommentId>(shardOf(this.#post.row.id), time);
  }

  #after<Row extends Record<string, SqlStorageValue>>(table: string, from: number, limit: number): Row[] {
    return this.#sql.exec<Row>(`SELECT * FROM ${table} WHERE seq >= ? ORDER BY seq LIMIT ?`, from, limit).toArray();
  }

  // After a full list there may be more.
  #allUpTo(rows: { seq: number }[], limit: number): number {
    return rows.length < limit ? this.#post.row.seq : (rows.at(-1)?.seq ?? 0);
  }
}

/** What D1 says that a person has left on a post: comments they wrote, and comments they like. */
export type Traces = { written: readonly CommentId[]; liked: readonly CommentId[] };

type Counted = Pick<CommentRow, "parent" | "told" | "replies" | "told_replies">;
type SeenRow = CommentRow & { liked: number };

const SEEN = `
  SELECT comments.*, coalesce(comment_likes.liked, 0) AS liked FROM comments
  LEFT JOIN comment_likes ON comment_likes.comment = id AND comment_likes.person = ?1`;

/** Only the post's author is told that a comment is hidden: its writer sees it as shown. */
const seenBy = (isAuthor: boolean) => {
  return ({ reply_to, hidden_replies, state, edited_at, liked, ...row }: SeenRow): SeenComment => ({
    ...shared(row),
    replyTo: reply_to,
    hiddenReplies: isAuthor ? hidden_replies : 0,
    hidden: isAuthor && state === HIDDEN,
    editedAt: edited_at,
    liked: liked === 1,
  });
};

const factOf = ({ reply_to, hidden_replies, hidden_by, state, edited_at, seq, ...row }: CommentRow): CommentFact => ({
  ...shared(row),
  replyTo: reply_to,
  hiddenReplies: hidden_replies,
  state: STATES[state],
  editedAt: edited_at,
  seq,
  ...((hidden_by & HIDDEN_BY.review) > 0 && state === HIDDEN && { review: true as const }),
});

type Shared = Pick<CommentRow, "id" | "author" | "text" | "parent" | "likes" | "replies">;
const shared = ({ id, author, text, parent, likes, replies }: Shared): Shared => ({
  id,
  author,
  text,
  parent,
  likes,
  replies,
});

import type { SeenComment } from "../../schema/messages/facts.ts";
import type { Comment } from "../../schema/api/posts.ts";
import { presentComment } from "../../schema/api/present-comment.ts";
import { AFTER_EVERY_ID, type CommentId, type PostId } from "../../schema/ids.ts";
import { ApiError } from "../../schema/api/refusals.ts";
import { likedCommentsAmong } from "./documents.ts";
import { viewablePost } from "./posts.ts";
import type { Reader } from "../storage/reader.ts";
import { blockedFor, peopleSeenBy } from "./visibility.ts";
import type { KnownPost } from "./documents.ts";

export type CommentOrder = "oldest" | "newest" | "most_liked";
/** Where a page goes on. `likes` counts for the most liked only. */
export type CommentKey = { id: CommentId; likes: number };

/** A thread as one reader sees it: the comments on a post itself, or the replies to one of them. */
export type Thread = {
  /** At most `limit` from behind `after` on, without the pinned one. */
  read: (after: CommentKey | undefined, limit: number) => Promise<SeenComment[]>;
  pinned: SeenComment | undefined;
  /** Everything up to this `seq` of the post is in it. */
  seq: number;
};

/**
 * The comments on `post`, or the replies to its comment `parent`. While an own write of the reader is not in D1, or D1
 * has failed to say where the post stands, the actor reads in its place; but for the most liked ones, which are a ranking and may be a moment old.
 *
 * D1 queries: one for the post, one for its pinned comment if there is one, or for the parent of replies, and one a page.
 * A signed-in reader costs one more with the pinned comment and with each page, for what they like. Who has a
 * block costs one more for the post, for the parent and for a page, and an actor call for the parent.
 */
export async function threadOf(
  reader: Reader,
  post: PostId,
  { parent = "", order = "oldest" }: { parent?: CommentId | ""; order?: CommentOrder },
): Promise<Thread> {
  const known = await viewablePost(reader, post);
  if (parent !== "") await requireNoBlockOn(reader, post, parent);
  const newestFirst = order === "newest";
  if (known.isBehind) {
    const actor = reader.env.POSTS.getByName(post);
    const ask = async (after: CommentId | undefined, limit: number) => {
      const answer = await actor.comments(reader.person, { parent, newestFirst, after, limit });
      if (!answer.ok) throw new ApiError(answer.reason);
      return answer;
    };
    const { pinned, seq } = await ask(undefined, 0); // Refuses, in any order, when the reader's own write has deleted the post.
    // One more, so that the pinned one does not make a full page look like the last.
    const read = async (after: CommentKey | undefined, limit: number) =>
      without(pinned, (await ask(after?.id, limit + 1)).comments).slice(0, limit);
    if (order !== "most_liked") return { read, pinned: parent === "" ? pinned : undefined, seq };
    // Of a post that D1 was not asked about nobody knows which of its comments are there.
    if (known.stats.projected < 0) throw new ApiError("unavailable");
  }

  const rows = new StoredThread(reader, known);
  if (parent !== "" && !(await rows.has(parent))) throw new ApiError("comment_not_found");
  const pinned = parent === "" && known.stats.pinned ? await rows.one(known.stats.pinned) : undefined;
  const read = async (after: CommentKey | undefined, limit: number) =>
    without(pinned, await rows.page(parent, order, after, limit + 1)).slice(0, limit);
  return { read, pinned, seq: known.stats.projected };
}

const without = (pinned: SeenComment | undefined, comments: SeenComment[]): SeenComment[] =>
  comments.filter(({ id }) => id !== pinned?.id);

/**
 * What D1 has of a post's comments, up to the first that may be missing: nobody sees one without those before it. Its author
 * sees what is hidden, too.
 */
class StoredThread {
  readonly #reader: Reader;
  readonly #post: PostId;
  readonly #upTo: CommentId | "";
  readonly #isAuthor: boolean;
  readonly #states: string;

  constructor(reader: Reader, { document: { id, author }, stats }: KnownPost) {
    this.#reader = reader;
    this.#post = id;
    this.#upTo = stats.commentsUpTo;
    this.#isAuthor = reader.person === author;
    this.#states = this.#isAuthor ? "state IN ('shown', 'hidden')" : "state = 'shown'";
  }

  /** Whether this comment stands on the post itself, and is to be seen. */
  async has(id: CommentId): Promise<boolean> {
    return (await this.#rows(this.#itself, id)).length > 0;
  }

  async one(id: CommentId): Promise<SeenComment | undefined> {
    const [comment] = await this.#query(this.#itself, id);
    return comment;
  }

  page(
    parent: CommentId | "",
    order: CommentOrder,
    after: CommentKey | undefined,
    limit: number,
  ): Promise<SeenComment[]> {
    if (order === "most_liked") {
      return this.#query(
        `parent = ?3 AND ${this.#states} AND (likes, id) < (?4, ?5) ORDER BY likes DESC, id DESC LIMIT ?6`,
        parent,
        after?.likes ?? Number.MAX_SAFE_INTEGER,
        after?.id ?? AFTER_EVERY_ID,
        limit,
      );
    }
    const [beyond, direction, start] = order === "newest" ? ["<", "DESC", AFTER_EVERY_ID] : [">", "ASC", ""];
    return this.#query(
      `parent = ?3 AND ${this.#states} AND id ${beyond} ?4 ORDER BY id ${direction} LIMIT ?5`,
      parent,
      after?.id ?? start,
      limit,
    );
  }

  get #itself(): string {
    return `parent = '' AND id = ?3 AND ${this.#states}`;
  }

  #rows(condition: string, ...values: (string | number)[]): Promise<Row[]> {
    const sql = `${SELECT} WHERE post = ?1 AND id <= ?2 AND ${condition}`;
    return this.#reader.replica<Row>(this.#post, sql, this.#post, this.#upTo, ...values);
  }

  async #query(condition: string, ...values: (string | number)[]): Promise<SeenComment[]> {
    const rows = await this.#rows(condition, ...values);
    const ids = rows.map(({ id }) => id);
    const { person } = this.#reader;
    const liked = person && ids.length > 0 ? await likedCommentsAmong(this.#reader, person, ids) : new Set<CommentId>();
    return rows.map(({ hidden, hiddenReplies, ...row }) => ({
      ...row,
      hiddenReplies: this.#isAuthor ? hiddenReplies : 0,
      hidden: hidden === 1,
      liked: liked.has(row.id),
    }));
  }
}

type Row = Omit<SeenComment, "hidden" | "liked"> & { hidden: number };

const SELECT = `
  SELECT id, author, text, parent, reply_to AS replyTo, likes, replies, hidden_replies AS hiddenReplies, state = 'hidden' AS hidden,
    edited_at AS editedAt FROM comments`;

/**
 * Refuses a comment of somebody with whom the viewer is in a block, or one in the thread of such a comment, as if it were
 * not there. Costs nothing for who has no block; else an actor call, since D1 may be behind, and one D1 query.
 */
export async function requireNoBlockOn(reader: Reader, post: PostId, comment: CommentId): Promise<void> {
  if (!reader.hasBlocks) return;
  const answer = await reader.env.POSTS.getByName(post).commentAuthors(comment);
  if (!answer.ok) throw new ApiError(answer.reason);
  const blocked = await blockedFor(reader, answer.authors);
  if (blocked.size > 0) throw new ApiError("comment_not_found");
}

/** Leaves out the comments of people who are gone, or whom the viewer does not meet; and of a reply, whom it answers. */
export async function presentComments(
  reader: Reader,
  comments: readonly SeenComment[],
  pinned: CommentId | undefined,
): Promise<Map<CommentId, Comment>> {
  const ids = comments.flatMap(({ author, replyTo }) => (replyTo ? [author, replyTo] : [author]));
  const people = await peopleSeenBy(reader, ids);
  return new Map(
    comments.flatMap((comment) => {
      const presented = presentComment(comment, people, comment.id === pinned);
      return presented ? [[comment.id, presented] as const] : [];
    }),
  );
}

import { type SQL, sql } from "drizzle-orm";
import type { SeenComment } from "../../schema/comments.ts";
import type { Comment } from "../../schema/api/posts.ts";
import { presentComment } from "../../schema/api/present-comment.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import { comments } from "../../schema/tables/posts.ts";
import { AFTER_EVERY_ID, type CommentId, type PostId } from "../../schema/ids.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import { type KnownPost, likedCommentsAmong } from "./documents.ts";
import { viewablePost } from "./posts.ts";
import type { Reader } from "../storage/reader.ts";
import { blockedFor, peopleSeenBy } from "./visibility.ts";

export type CommentOrder = "oldest" | "newest" | "most_liked";
/** The position after which a page begins. `likes` matters only in the order `most_liked`. */
export type CommentKey = { id: CommentId; likes: number };

/** A thread as one viewer sees it: the top-level comments of a post, or the replies to one of them. */
export type Thread = {
  /** Returns at most `limit` comments after `after`, without the pinned one. */
  read: (after: CommentKey | undefined, limit: number) => Promise<SeenComment[]>;
  pinned: SeenComment | undefined;
  /** The thread includes every change of the post up to this `seq`. */
  seq: number;
};

/**
 * Returns the comments on `post`, or the replies to its comment `parent`. They are read from the actor while D1 lacks a
 * write of the viewer or has failed to return the post's standing, except for the most liked ones: a ranking may be a
 * moment old, so it always comes from D1.
 *
 * D1 queries: one for the post, one for its pinned comment or for the parent of replies, and one for each page. A
 * signed-in viewer costs one more with the pinned comment and with each page, for their likes. A viewer who has any
 * block costs one more for the post, the parent and each page, and an actor call for the parent.
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
    const fromActor = async (after: CommentId | undefined, limit: number) => {
      const result = await actor.comments(reader.person, { parent, newestFirst, after, limit });
      if (!result.ok) throw new Refusal(result.reason);
      return result;
    };
    const { pinned, seq } = await fromActor(undefined, 0); // Throws, in any order, if the viewer has deleted the post.
    // Reads one more, so that leaving out the pinned comment does not make a full page look like the last.
    const read = async (after: CommentKey | undefined, limit: number) =>
      without(pinned, (await fromActor(after?.id, limit + 1)).comments).slice(0, limit);
    if (order !== "most_liked") return { read, pinned: parent === "" ? pinned : undefined, seq };
    // The standing came from the actor, so it is unknown which comments D1 has.
    if (known.stats.projected < 0) throw new Refusal("unavailable");
  }

  const rows = new StoredThread(reader, known);
  if (parent !== "" && !(await rows.has(parent))) throw new Refusal("comment_not_found");
  const pinned = parent === "" && known.stats.pinned ? await rows.one(known.stats.pinned) : undefined;
  const read = async (after: CommentKey | undefined, limit: number) =>
    without(pinned, await rows.page(parent, order, after, limit + 1)).slice(0, limit);
  return { read, pinned, seq: known.stats.projected };
}

const without = (pinned: SeenComment | undefined, comments: SeenComment[]): SeenComment[] =>
  comments.filter(({ id }) => id !== pinned?.id);

/**
 * The comments of a post in D1, up to the first that may be missing: no comment is shown without those before it. The
 * post's author also sees hidden ones.
 */
class StoredThread {
  readonly #reader: Reader;
  readonly #post: PostId;
  readonly #upTo: CommentId | "";
  readonly #isAuthor: boolean;
  readonly #statements: typeof FOR_OTHERS;

  constructor(reader: Reader, { document: { id, author }, stats }: KnownPost) {
    this.#reader = reader;
    this.#post = id;
    this.#upTo = stats.commentsUpTo;
    this.#isAuthor = reader.person === author;
    this.#statements = this.#isAuthor ? FOR_AUTHOR : FOR_OTHERS;
  }

  /** Returns whether `id` is a top-level comment that the viewer may see. */
  async has(id: CommentId): Promise<boolean> {
    return (await this.#rows(this.#statements.one, id)).length > 0;
  }

  async one(id: CommentId): Promise<SeenComment | undefined> {
    const [comment] = await this.#query(this.#statements.one, id);
    return comment;
  }

  page(
    parent: CommentId | "",
    order: CommentOrder,
    after: CommentKey | undefined,
    limit: number,
  ): Promise<SeenComment[]> {
    const start = after?.id ?? (order === "oldest" ? "" : AFTER_EVERY_ID);
    const likes = order === "most_liked" ? [after?.likes ?? Number.MAX_SAFE_INTEGER] : [];
    return this.#query(this.#statements[order], parent, start, limit, ...likes);
  }

  #rows(sql: string, ...values: (string | number)[]): Promise<Row[]> {
    return this.#reader.replica<Row>(this.#post, sql, this.#post, this.#upTo, ...values);
  }

  async #query(sql: string, ...values: (string | number)[]): Promise<SeenComment[]> {
    const rows = await this.#rows(sql, ...values);
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

type Row = Omit<SeenComment, "hidden" | "liked"> & { hidden: 0 | 1 };

const state = (value: (typeof comments.$inferSelect)["state"]): SQL => literal(value);

/** The statements for viewers who see the comments in `states`. ?1 is the post, ?2 the last comment in D1. */
function statementsFor(states: SQL): Record<CommentOrder | "one", string> {
  const { id, author, text, parent, replyTo, likes, replies, hiddenReplies, editedAt } = comments;
  const select = (condition: SQL) =>
    textOf(sql`
      SELECT ${id}, ${author}, ${text}, ${parent}, ${replyTo} AS "replyTo", ${likes}, ${replies},
        ${hiddenReplies} AS "hiddenReplies", ${editedAt} AS "editedAt",
        ${comments.state} = ${state("hidden")} AS "hidden"
      FROM ${comments} WHERE ${comments.post} = ?1 AND ${id} <= ?2 AND ${condition}`);
  return {
    one: select(sql`${parent} = '' AND ${id} = ?3 AND ${states}`),
    oldest: select(sql`${parent} = ?3 AND ${states} AND ${id} > ?4 ORDER BY ${id} ASC LIMIT ?5`),
    newest: select(sql`${parent} = ?3 AND ${states} AND ${id} < ?4 ORDER BY ${id} DESC LIMIT ?5`),
    most_liked: select(
      sql`${parent} = ?3 AND ${states} AND (${likes}, ${id}) < (?6, ?4) ORDER BY ${likes} DESC, ${id} DESC LIMIT ?5`,
    ),
  };
}

const FOR_OTHERS = statementsFor(sql`${comments.state} = ${state("shown")}`);
const FOR_AUTHOR = statementsFor(sql`${comments.state} IN (${state("shown")}, ${state("hidden")})`);

/**
 * Throws `comment_not_found` if a block lies between the viewer and the author of the comment or of its thread's first
 * comment. Costs nothing for a viewer who has no block; otherwise an actor call, since D1 may be behind, and one D1
 * query.
 */
export async function requireNoBlockOn(reader: Reader, post: PostId, comment: CommentId): Promise<void> {
  if (!reader.hasBlocks) return;
  const result = await reader.env.POSTS.getByName(post).commentAuthors(comment);
  if (!result.ok) throw new Refusal(result.reason);
  const blocked = await blockedFor(reader, result.authors);
  if (blocked.size > 0) throw new Refusal("comment_not_found");
}

/**
 * Presents comments by id. Leaves out those of people who are gone or blocked in either direction, and the names of
 * such people from the replies to them.
 */
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

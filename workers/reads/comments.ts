import { type SQL, sql } from "drizzle-orm";
import type { SeenComment } from "../../schema/comments.ts";
import type { Comment } from "../../schema/api/posts.ts";
import { presentComment } from "../../schema/api/present-comment.ts";
import { bindingOf } from "../../schema/d1/shards.ts";
import { isOpenSql } from "../../schema/d1/closed-people.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import { people } from "../../schema/tables/people.ts";
import { commentLikes, comments, posts, postStats } from "../../schema/tables/posts.ts";
import { AFTER_EVERY_ID, type CommentId, type PersonId, type PostId } from "../../schema/ids.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import { AUDIENCE_COLUMNS, audienceOf, type AudienceRow, likedCommentsAmong, personDocuments } from "./documents.ts";
import { requireAccess } from "./posts.ts";
import { type KnownPost, STANDING_COLUMNS, type StatsRow, statsOf } from "./stored-posts.ts";
import type { Reader } from "../storage/reader.ts";
import { blockedFor, postNotFound, seesAuthor, sightFor } from "./visibility.ts";

export type CommentOrder = "oldest" | "newest" | "most_liked";
/** The position after which a page begins. `likes` matters only in the order `most_liked`. */
export type CommentKey = { id: CommentId; likes: number };

/** A thread: the top-level comments of a post, or, with `parent`, the replies to one of them. */
export type ThreadQuery = { parent?: CommentId | "" | undefined; order?: CommentOrder | undefined };

/** A thread as one viewer sees it. */
export type Thread = {
  /** Returns at most `limit` comments after `after`, without the pinned one. */
  read: (after: CommentKey | undefined, limit: number) => Promise<SeenComment[]>;
  pinned: SeenComment | undefined;
  /** The thread includes every change of the post up to this `seq`. */
  seq: number;
  /** Comments are from this state of the post's database; undefined if they are from the actor. */
  at: string | undefined;
  /** Whether the viewer can moderate the comments, so that blocks hide none of them. */
  moderates: boolean;
};

/**
 * Returns the comments on `post`, or the replies to its comment `parent`, and begins to read the page of `limit` comments
 * after `after`. Throws `post_not_found` or `comment_not_found` if the viewer may not see them. They are read from the
 * actor while D1 lacks a write of the viewer, except for the most liked ones: a ranking may be a moment old, so it always
 * comes from D1.
 *
 * Costs one D1 query for each page, which also decides about the post. A viewer in another database than the post's costs
 * one more for their likes. A viewer who has any block costs one more for each page, and for a parent one more and an
 * actor call. In the seconds until D1 has a write of the viewer: two actor calls, and two queries of primaries.
 */
export async function threadOf(
  reader: Reader,
  post: PostId,
  { parent = "", order = "oldest" }: ThreadQuery,
  first: { after: CommentKey | undefined; limit: number },
): Promise<Thread> {
  const stored = new StoredThread(reader, post, parent, order);
  const page = await stored.page(first.after, first.limit + 1); // One more, because it may have the pinned comment.
  const isBehind = (page?.known.stats.projected ?? 0) < (reader.seen.post(post)?.seq ?? 0);
  if (isBehind && order !== "most_liked") return threadInActor(reader, post, parent, order);
  if (!page) throw await postNotFound(reader, post, stored.isDeleted ? "deleted" : "missing");
  if (isBehind) await requireLive(reader, post);
  await requireSight(reader, post, page.known);
  if (parent !== "" && !page.hasParent) throw new Refusal("comment_not_found");
  const moderates = page.known.author === reader.person || (await reader.isModerator());
  if (parent !== "" && !moderates) await requireNoBlockOn(reader, post, parent);

  const { pinned } = page;
  let next: typeof page | undefined = page;
  const read = async (after: CommentKey | undefined, limit: number) => {
    const isFirst = next !== undefined && after?.id === first.after?.id && limit <= first.limit;
    const read = isFirst ? next : await stored.page(after, limit + 1);
    next = undefined;
    if (read && !isFirst) await requireSight(reader, post, read.known); // It may be from a newer state.
    return without(pinned, read?.comments ?? []).slice(0, limit);
  };
  return { read, pinned, seq: page.known.stats.projected, at: page.at, moderates };
}

/** Reads the thread from the actor. No replica may have its comments yet, so primaries decide who may see them. */
async function threadInActor(
  reader: Reader,
  post: PostId,
  parent: CommentId | "",
  order: CommentOrder,
): Promise<Thread> {
  const actor = reader.env.POSTS.getByName(post);
  const newestFirst = order === "newest";
  const fromActor = async (after: CommentId | undefined, limit: number) => {
    const result = await reader.served.timed("actor", async () =>
      actor.comments(reader.person, { parent, newestFirst, after, limit }),
    );
    if (!result.ok) throw new Refusal(result.reason);
    return result;
  };
  const { author, pinned, seq } = await fromActor(undefined, 0);
  const moderates = author === reader.person || (await reader.isModerator());
  // Reads one more, so that leaving out the pinned comment does not make a full page look like the last.
  const read = async (after: CommentKey | undefined, limit: number) => {
    const { comments } = await fromActor(after?.id, limit + 1);
    reader.readPrimariesFromNowOn();
    await requireAccess(reader, post);
    if (parent !== "" && !moderates) await requireNoBlockOn(reader, post, parent);
    return without(pinned, comments).slice(0, limit);
  };
  return { read, pinned: parent === "" ? pinned : undefined, seq, at: undefined, moderates };
}

/** Throws if the post's actor says that the viewer has deleted it. */
async function requireLive(reader: Reader, post: PostId): Promise<void> {
  const snapshot = await reader.snapshot(post);
  if (!snapshot.ok) throw new Refusal(snapshot.reason);
}

async function requireSight(
  reader: Reader,
  post: PostId,
  known: Omit<KnownPost, "document"> & { author: PersonId },
): Promise<void> {
  if (known.stats.deleted) throw await postNotFound(reader, post, "deleted");
  const sight = await sightFor(reader, [known]);
  const { stats, author, audience } = known;
  if (!seesAuthor(sight, author, audience, stats.takenDown)) throw await postNotFound(reader, post, "hidden");
}

const without = (pinned: SeenComment | undefined, comments: SeenComment[]): SeenComment[] =>
  comments.filter(({ id }) => id !== pinned?.id);

/**
 * The comments of a thread in D1, up to the first that may be missing: no comment is shown without those before it. The
 * post's author also sees hidden ones, and so does the writer of each.
 */
class StoredThread {
  readonly #reader: Reader;
  readonly #post: PostId;
  readonly #parent: CommentId | "";
  readonly #order: CommentOrder;
  /** Whether a page was not there because the post is deleted. */
  isDeleted = false;

  constructor(reader: Reader, post: PostId, parent: CommentId | "", order: CommentOrder) {
    this.#reader = reader;
    this.#post = post;
    this.#parent = parent;
    this.#order = order;
  }

  /**
   * Returns a page and, from the same state of the database, what decides whether the viewer may see it. Undefined if D1
   * does not have the post. A post that a replica lacks is looked up at the primary.
   */
  async page(after: CommentKey | undefined, limit: number) {
    const { env, person } = this.#reader;
    const start = after?.id ?? (this.#order === "oldest" ? "" : AFTER_EVERY_ID);
    const likes = this.#order === "most_liked" ? [after?.likes ?? Number.MAX_SAFE_INTEGER] : [];
    const params = [this.#post, person ?? "", this.#parent, start, limit, ...likes] as const;
    const isLikeHere = person !== undefined && bindingOf(env, person) === bindingOf(env, this.#post);
    const { rows, at } = await this.#reader.existing<PageRow>(this.#post, PAGES[this.#order], params);
    const [row] = rows;
    this.isDeleted = row?.author === null;
    if (!row || row.author === null) return undefined;
    const isAuthor = person === row.author;
    const read = (JSON.parse(row.comments) as StoredComment[]).map((comment) => commentOf(comment, isAuthor));
    const pinnedHere = row.pinnedComment === null ? undefined : (JSON.parse(row.pinnedComment) as StoredComment);
    const listed = read.toSorted(ORDERS[this.#order]).slice(0, limit);
    const all = [...(pinnedHere ? [commentOf(pinnedHere, isAuthor)] : []), ...listed];
    const seen = isLikeHere ? all : await withLikes(this.#reader, all);
    return {
      known: { author: row.author, stats: statsOf(row), audience: audienceOf(row) },
      hasParent: row.hasParent === 1,
      pinned: pinnedHere && seen[0],
      comments: pinnedHere ? seen.slice(1) : seen,
      at,
    };
  }
}

function commentOf({ hidden, hiddenReplies, liked, ...comment }: StoredComment, isAuthor: boolean): SeenComment {
  return {
    ...comment,
    hiddenReplies: isAuthor ? hiddenReplies : 0,
    hidden: isAuthor && hidden === 1,
    liked: liked === 1,
  };
}

// An aggregate of SQL guarantees no order.
const byId = (a: SeenComment, b: SeenComment): number => (a.id < b.id ? -1 : 1);
const ORDERS: Record<CommentOrder, typeof byId> = {
  oldest: byId,
  newest: (a, b) => byId(b, a),
  most_liked: (a, b) => b.likes - a.likes || byId(b, a),
};

type StoredComment = Omit<SeenComment, "hidden" | "liked"> & { hidden: 0 | 1; liked: 0 | 1 };
/** `comments` and `pinnedComment` are JSON: StoredComments. `author` is null for a deleted post, or a closed account. */
type PageRow = StatsRow &
  AudienceRow & {
    author: PersonId | null;
    comments: string;
    pinnedComment: string | null;
    hasParent: 0 | 1;
  };

const state = (value: (typeof comments.$inferSelect)["state"]): SQL => literal(value);

const FIELDS: Record<keyof StoredComment, SQL> = {
  id: sql`${comments.id}`,
  author: sql`${comments.author}`,
  text: sql`${comments.text}`,
  parent: sql`${comments.parent}`,
  replyTo: sql`${comments.replyTo}`,
  likes: sql`${comments.likes}`,
  replies: sql`${comments.replies}`,
  hiddenReplies: sql`${comments.hiddenReplies}`,
  editedAt: sql`${comments.editedAt}`,
  hidden: sql`${comments.state} = ${state("hidden")}`,
  // Only for a viewer in this database.
  liked: sql`EXISTS (
    SELECT 1 FROM ${commentLikes}
    WHERE ${commentLikes.person} = ?2 AND ${commentLikes.comment} = ${comments.id} AND ${commentLikes.liked} = 1)`,
};
const JSON_COMMENT = sql`json_object(${sql.join(
  Object.entries(FIELDS).flatMap(([name, value]) => [literal(name), value]),
  sql`, `,
)})`;

const IS_SHOWN = sql`${comments.state} = ${state("shown")}`;
const IS_SHOWN_TO_AUTHOR = sql`${comments.state} IN (${state("shown")}, ${state("hidden")})`;
const IS_OWN_HIDDEN = sql`(${comments.state} = ${state("hidden")} AND ${comments.author} = ?2)`;
// By its name, because for the most liked ones SQLite would choose the primary key and read the whole thread.
const HIDDEN_ONES = sql`${comments} INDEXED BY comments_hidden`;
const BY_VIEWER = sql`${posts.author} = ?2`;
const IN_ORDER: Record<CommentOrder, SQL> = {
  oldest: sql`${comments.id} > ?4 ORDER BY ${comments.id} ASC LIMIT ?5`,
  newest: sql`${comments.id} < ?4 ORDER BY ${comments.id} DESC LIMIT ?5`,
  most_liked: sql`(${comments.likes}, ${comments.id}) < (?6, ?4)
    ORDER BY ${comments.likes} DESC, ${comments.id} DESC LIMIT ?5`,
};

/**
 * The statement of a page: ?1 is the post, ?2 the viewer, ?3 the parent, ?4 the id after which the page begins, ?5 its
 * length, ?6 the likes after which it begins.
 */
function pageStatement(order: CommentOrder): string {
  const upTo = sql`${comments.post} = ?1 AND ${comments.id} <= ${postStats.commentsUpTo}`;
  const part = (isShown: SQL, from = sql`${comments}`) => sql`
    SELECT * FROM (
      SELECT ${JSON_COMMENT} AS comment FROM ${from}
      WHERE ${upTo} AND ${comments.parent} = ?3 AND ${isShown} AND ${IN_ORDER[order]})`;
  // Two parts, because no index has both what all see and the viewer's own hidden comments.
  const page = (parts: SQL) => sql`(SELECT json_group_array(json(comment)) FROM (${parts}))`;
  const forAuthor = page(part(IS_SHOWN_TO_AUTHOR));
  const forOthers = page(sql`${part(IS_SHOWN)} UNION ALL ${part(IS_OWN_HIDDEN, HIDDEN_ONES)}`);
  const top = sql`${comments}
    WHERE ${upTo} AND ${comments.parent} = ''
      AND (${IS_SHOWN} OR ${IS_OWN_HIDDEN} OR (${BY_VIEWER} AND ${IS_SHOWN_TO_AUTHOR}))`;
  return textOf(sql`
    SELECT ${STANDING_COLUMNS}, ${posts.author}, ${AUDIENCE_COLUMNS},
      CASE WHEN ${BY_VIEWER} THEN ${forAuthor} ELSE ${forOthers} END AS "comments",
      iif(?3 = '', (SELECT ${JSON_COMMENT} FROM ${top} AND ${comments.id} = ${postStats.pinned}), NULL) AS "pinnedComment",
      ?3 <> '' AND EXISTS (SELECT 1 FROM ${top} AND ${comments.id} = ?3) AS "hasParent"
    FROM ${postStats} LEFT JOIN ${posts} ON ${posts.id} = ${postStats.post} AND ${isOpenSql(posts.author)}
    LEFT JOIN ${people} ON ${people.id} = ${posts.author}
    WHERE ${postStats.post} = ?1`);
}

/** The statements of all orders. Exported for the test of their query plans. */
export const PAGES: Record<CommentOrder, string> = {
  oldest: pageStatement("oldest"),
  newest: pageStatement("newest"),
  most_liked: pageStatement("most_liked"),
};

/** Adds the viewer's likes from their own database. */
async function withLikes(reader: Reader, comments: SeenComment[]): Promise<SeenComment[]> {
  const { person } = reader;
  if (person === undefined || comments.length === 0) return comments;
  const liked = await likedCommentsAmong(
    reader,
    person,
    comments.map(({ id }) => id),
  );
  return comments.map((comment) => ({ ...comment, liked: liked.has(comment.id) }));
}

/**
 * Throws `comment_not_found` if a block lies between the viewer and the author of the comment or of its thread's first
 * comment. Costs nothing for a viewer who has no block; otherwise an actor call, since D1 may be behind, and one D1
 * query.
 */
export async function requireNoBlockOn(reader: Reader, post: PostId, comment: CommentId): Promise<void> {
  if (!(await reader.hasBlocks()) && !reader.isFromPrimary) return;
  const result = await reader.served.timed("actor", async () =>
    reader.env.POSTS.getByName(post).commentAuthors(comment),
  );
  if (!result.ok) throw new Refusal(result.reason);
  const blocked = await blockedFor(reader, result.authors);
  if (blocked.size > 0) throw new Refusal("comment_not_found");
}

/**
 * Presents comments by id. Leaves out those of people who are gone or blocked in either direction, and the names of
 * such people from the replies to them; for a viewer who moderates them, it marks those of blocked people. `asOf` is the bookmark of the state of the viewer's database in which the
 * comments were read, if they lie in it.
 */
export async function presentComments(
  reader: Reader,
  comments: readonly SeenComment[],
  pinned: CommentId | undefined,
  { asOf, moderates = false }: { asOf?: string | undefined; moderates?: boolean } = {},
): Promise<Map<CommentId, Comment>> {
  const ids = comments.flatMap(({ author, replyTo }) => (replyTo ? [author, replyTo] : [author]));
  const [people, blocked] = await Promise.all([personDocuments.get(reader, ids), blockedFor(reader, ids, asOf)]);
  const named = new Map([...people].filter(([id]) => moderates || !blocked.has(id)));
  return new Map(
    comments.flatMap((comment) => {
      const presented = presentComment(comment, named, comment.id === pinned, blocked);
      return presented ? [[comment.id, presented] as const] : [];
    }),
  );
}

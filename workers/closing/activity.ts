/** Takes a closed account's likes, comments and mentions out of the posts they are on, through the posts' actors. */
import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import { queryByIds } from "../../schema/d1/by-ids.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { byDatabase, databaseOf, databases } from "../../schema/d1/shards.ts";
import { bare, literal, rowsOf, textOf, valueOf } from "../../schema/d1/sql.ts";
import { type CommentId, NOBODY, type PersonId, type PostId } from "../../schema/ids.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { commentLikes, comments, likes, posts } from "../../schema/tables/posts.ts";
import { likeStatements } from "../projector/likes.ts";
import { leaveInboxes } from "./inboxes.ts";

/** The most posts of one page, each with two actor calls, and the most of their comments and likes of comments. */
const POSTS_PER_PAGE = 20;
const COMMENTS_PER_PAGE = 100;

type Written = Pick<typeof comments.$inferSelect, "post" | "parent" | "id">;
type LikedComment = { post: PostId | ""; comment: CommentId };
type Left = { like: boolean; mention: boolean; written: Written[]; liked: CommentId[] };

/**
 * Removes one page, and returns whether there may be more. The inboxes of others come before the actors, which know whom
 * they have told, and the rows of D1 come last: they are the list of what is left. Costs two actor calls a post, and
 * about four D1 calls a database.
 */
export async function eraseActivity(env: Env, person: PersonId): Promise<boolean> {
  const page = await nextPage(env, person);
  if (page.size === 0) return false;
  const entries = [...page];
  const actors = entries.map(([post, { written, liked }]) => {
    const traces = { written: written.map(({ id }) => id), liked };
    return { actor: env.POSTS.getByName(post), traces, isTold: traces.written.length + liked.length > 0 };
  });
  const [authors, told] = await Promise.all([
    queryByIds<{ author: PersonId }>(env, page.keys(), AUTHORS),
    Promise.all(actors.map(async ({ actor, traces, isTold }) => (isTold ? actor.peopleTold(person, traces) : []))),
  ]);
  await leaveInboxes(env, person, [...authors.map(({ author }) => author), ...told.flat()]);
  await Promise.all(actors.map(({ actor, traces }) => actor.forget(person, traces)));
  await eraseWritten(
    env,
    person,
    entries.flatMap(([, { written }]) => written),
  );
  await eraseOwn(env, person, entries);
  return true;
}

const AUTHORS = textOf(sql`
  SELECT ${posts.author} FROM ${posts} WHERE ${posts.id} IN (SELECT value FROM json_each(?1))`);

async function nextPage(env: Env, person: PersonId): Promise<Map<PostId, Left>> {
  const page = new Map<PostId, Left>();
  const on = (post: PostId): Left | undefined => {
    const known = page.get(post);
    if (known || page.size >= POSTS_PER_PAGE) return known;
    const left = { like: false, mention: false, written: [], liked: [] };
    page.set(post, left);
    return left;
  };
  const home = databaseOf(env, person).patient;
  const written = await Promise.all(
    databases(env).map((database) => database.patient.all<Written>(WRITTEN, person, COMMENTS_PER_PAGE)),
  );
  for (const comment of written.flat().slice(0, COMMENTS_PER_PAGE)) on(comment.post)?.written.push(comment);
  const [liked, likedComments, mentions] = await home.batch<object>([
    statement(LIKED, person, POSTS_PER_PAGE),
    statement(LIKED_COMMENTS, person, COMMENTS_PER_PAGE),
    statement(MENTIONED, person, POSTS_PER_PAGE),
  ]);
  for (const { post, comment } of await withPosts(env, person, (likedComments?.rows ?? []) as LikedComment[]))
    on(post)?.liked.push(comment);
  for (const { post } of (liked?.rows ?? []) as { post: PostId }[]) Object.assign(on(post) ?? {}, { like: true });
  for (const { post } of (mentions?.rows ?? []) as { post: PostId }[]) Object.assign(on(post) ?? {}, { mention: true });
  return page;
}

const WRITTEN = textOf(sql`
  SELECT ${comments.post}, ${comments.parent}, ${comments.id} FROM ${comments} WHERE ${comments.author} = ?1 LIMIT ?2`);
const LIKED = textOf(sql`SELECT ${likes.post} FROM ${likes} WHERE ${likes.person} = ?1 LIMIT ?2`);
const LIKED_COMMENTS = textOf(sql`
  SELECT ${commentLikes.post}, ${commentLikes.comment} FROM ${commentLikes} WHERE ${commentLikes.person} = ?1 LIMIT ?2`);
const IS_MENTION = sql`${notifications.recipient} = ?1
  AND ${notifications.kind} = ${valueOf(notifications.kind, "mention")} AND ${notifications.post} IS NOT NULL`;
const MENTIONED = textOf(
  sql`SELECT ${notifications.post} AS "post" FROM ${notifications} WHERE ${IS_MENTION} LIMIT ?2`,
);

/**
 * Looks up the posts of likes from before their rows named them, and deletes the likes of comments that are gone. That
 * reads all comments of a database.
 */
async function withPosts(
  env: Env,
  person: PersonId,
  found: readonly LikedComment[],
): Promise<{ post: PostId; comment: CommentId }[]> {
  const unknown = found.filter(({ post }) => post === "").map(({ comment }) => comment);
  const rows = unknown.length > 0 ? await queryByIds<LikedComment>(env, unknown, POSTS_OF_COMMENTS) : [];
  const posts = new Map(rows.map(({ comment, post }) => [comment, post]));
  const gone = unknown.filter((comment) => !posts.has(comment));
  if (gone.length > 0) await databaseOf(env, person).patient.run(UNLIKE_COMMENTS, person, JSON.stringify(gone));
  return found.flatMap(({ comment, post }) => {
    const known = post || posts.get(comment);
    return known ? [{ comment, post: known }] : [];
  });
}

const POSTS_OF_COMMENTS = textOf(sql`
  SELECT ${comments.post} AS "post", ${comments.id} AS "comment" FROM ${comments}
  WHERE ${comments.id} IN (SELECT value FROM json_each(?1))`);

/** Deletes the text and the writer of comments in D1, and the writer where others answer them. */
async function eraseWritten(env: Env, person: PersonId, written: readonly Written[]): Promise<void> {
  const batches = [...byDatabase(env, written, ({ post }) => post)].map(([database, group]) =>
    database.patient.batch([
      ...[...new Set(group.map(({ post }) => post))].map((post) => statement(ANSWER_NOBODY, post, person)),
      ...setBased(ERASE_WRITTEN, group, person),
    ]),
  );
  await Promise.all(batches);
}

const KEYS = rowsOf(comments, ["post", "parent", "id"]);
// The state also comes with the actor's facts, which a newer `seq` brings.
const ERASE_WRITTEN = textOf(sql`
  UPDATE ${comments} SET ${bare(comments.author)} = ${literal(NOBODY)}, ${bare(comments.text)} = '',
    ${bare(comments.state)} = ${valueOf(comments.state, "gone")}
  WHERE (${KEYS.columns}) IN (SELECT ${KEYS.values} FROM json_each(?1)) AND ${comments.author} = ?2`);
const ANSWER_NOBODY = textOf(sql`
  UPDATE ${comments} SET ${bare(comments.replyTo)} = NULL WHERE ${comments.post} = ?1 AND ${comments.replyTo} = ?2`);

/** Deletes the person's own rows about these posts, and keeps the digests of likes exact. */
async function eraseOwn(env: Env, person: PersonId, entries: readonly [PostId, Left][]): Promise<void> {
  const liked = entries.flatMap(([post, { like }]) => (like ? [post] : []));
  const mentioned = entries.flatMap(([post, { mention }]) => (mention ? [post] : []));
  const likedComments = entries.flatMap(([, left]) => left.liked);
  await databaseOf(env, person).patient.batch([
    // As if they had unliked them, so that the digest follows what is stored, however often this runs.
    ...likeStatements(liked.map((post) => ({ person, post, liked: false, seq: Number.MAX_SAFE_INTEGER }))),
    statement(UNLIKE, person, JSON.stringify(liked)),
    statement(UNLIKE_COMMENTS, person, JSON.stringify(likedComments)),
    statement(FORGET_MENTIONS, person, JSON.stringify(mentioned)),
  ]);
}

const UNLIKE = textOf(sql`
  DELETE FROM ${likes} WHERE ${likes.person} = ?1 AND ${likes.post} IN (SELECT value FROM json_each(?2))`);
const UNLIKE_COMMENTS = textOf(sql`
  DELETE FROM ${commentLikes}
  WHERE ${commentLikes.person} = ?1 AND ${commentLikes.comment} IN (SELECT value FROM json_each(?2))`);
const FORGET_MENTIONS = textOf(sql`
  DELETE FROM ${notifications} WHERE ${IS_MENTION} AND ${notifications.post} IN (SELECT value FROM json_each(?2))`);

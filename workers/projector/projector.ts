/**
 * Post facts -> D1. Every statement is set-based and guards each row by its `seq`, so any message may come again, late
 * or out of order. Cost of a batch: two D1 batches a database, of 7 statements together, however many likes it
 * carries, and one call to each post's actor.
 */
import { PostFacts } from "../../schema/facts.ts";
import { byDatabase } from "../../schema/shards.ts";
import { setBased } from "../../schema/set-based.ts";
import { noticeStatements } from "../delivery/notices.ts";
import { consume } from "../queues.ts";
import { likeStatements, newestLikes } from "./likes.ts";

/** Projects the whole batch at once; only when that fails, each message by itself, so that a poisonous one stands alone. */
export async function consumeFacts(batch: MessageBatch, env: Env): Promise<void> {
  const parsed = batch.messages.map((message) => PostFacts.safeParse(message.body));
  const facts = parsed.flatMap(({ data }) => (data ? [data] : []));
  if (facts.length === parsed.length) {
    try {
      await project(env, facts);
      batch.ackAll();
      return;
    } catch (error) {
      console.warn("facts not projected together, trying each", { messages: facts.length, error: String(error) });
    }
  }
  await consume(batch, PostFacts, (fact) => project(env, [fact]));
}

/** Applies the facts, then confirms them to their actors. A repetition changes nothing. */
export async function project(env: Env, facts: readonly PostFacts[]): Promise<void> {
  const likes = byDatabase(env, newestLikes(facts), ({ person }) => person);
  await Promise.all([...likes].map(([database, group]) => database.batch(likeStatements(database, group))));
  // After the likes, which may lie in other databases: a reader who finds the `seq` of their like must find the like too.
  const posts = byDatabase(env, facts, ({ post }) => post);
  await Promise.all([...posts].map(([database, group]) => database.batch(factStatements(database, group))));
  await confirm(env, facts);
}

/** A post's row and counts, and its place in its author's own feed. The request that publishes writes them too. */
export function postStatements(
  database: D1Database,
  facts: readonly Pick<PostFacts, "post" | "author" | "body" | "stats">[],
): D1PreparedStatement[] {
  const bodies = facts.flatMap(({ post, author, body }) =>
    body ? [[post, author, body.caption, JSON.stringify(body.media), body.seq]] : [],
  );
  const stats = facts.map(({ post, stats }) => [post, stats.likes, stats.comments, stats.seq]);
  return [
    ...setBased(database, UPSERT_POSTS, bodies),
    ...setBased(database, OWN_FEED, bodies),
    ...setBased(database, UPSERT_STATS, stats),
  ];
}

const factStatements = (database: D1Database, facts: readonly PostFacts[]): D1PreparedStatement[] => [
  ...setBased(database, UPSERT_COMMENTS, facts.flatMap(commentRows)),
  ...noticeStatements(database, facts),
  ...postStatements(database, facts),
];

const commentRows = ({ post, comments }: PostFacts) =>
  comments.map(({ id, author, text, seq }) => [post, id, author, text, seq]);

/** An actor that is not told sends its facts again, so a failure here costs a repetition and is no reason for a retry. */
async function confirm(env: Env, facts: readonly PostFacts[]): Promise<void> {
  const inOrder = [...facts].sort((a, b) => a.from - b.from);
  for (const { post, from, to } of inOrder) {
    try {
      await env.POSTS.getByName(post).confirmProjected(from, to);
    } catch (error) {
      console.warn("projection not confirmed, its actor will ask again", { post, error: String(error) });
    }
  }
}

const UPSERT_POSTS = `
  INSERT INTO posts (id, author, caption, media, seq)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET caption = excluded.caption, media = excluded.media, seq = excluded.seq
  WHERE excluded.seq > seq`;

const OWN_FEED = `
  INSERT INTO feed (reader, post, author)
  SELECT value ->> 1, value ->> 0, value ->> 1 FROM json_each(?1) WHERE true
  ON CONFLICT DO NOTHING`;

const UPSERT_STATS = `
  INSERT INTO post_stats (post, likes, comments, seq)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET likes = excluded.likes, comments = excluded.comments, seq = excluded.seq
  WHERE excluded.seq > seq`;

const UPSERT_COMMENTS = `
  INSERT INTO comments (post, id, author, text, seq)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET text = excluded.text, seq = excluded.seq WHERE excluded.seq > seq`;

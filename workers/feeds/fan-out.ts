/**
 * A post's way to its readers: a tree of bounded messages. Its root serves the followers of a small author itself. For
 * others it splits their followers' logical shards into at most PARTS ranges, each a chain of pages. The pages have a queue
 * of their own, where those of all authors take turns: so however large an author is, a small one's post waits for none of
 * them but the few that are being served.
 *
 * The post's actor remembers which parts have been served, and sends the root again when it hears nothing; the root sends
 * what is left. A message with `after` exists only because all up to there were served, and parts are the same whatever
 * the ranges: so messages may be lost, repeated, late or reordered, and roots may split differently.
 *
 * A large author's post is written into nobody's feed. It goes by the same tree to those alone whose bell rings.
 */
import { EVERY_PART, type FanOut, type Parts, PARTS } from "../../schema/messages/facts.ts";
import { within } from "../../schema/d1/deadline.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { bindingOf, byDatabase, databaseOf } from "../../schema/d1/shards.ts";
import type { Reach } from "../../schema/tables/people.ts";
import { announce } from "../push/announce.ts";
import { bellStatements, unreadIn } from "../notifications/bell-notifications.ts";
import { delivered } from "../operations/delivered.ts";
import { seenSince } from "./dormant.ts";
import { trimmed } from "./feed-bound.ts";
import { drawn } from "../storage/trim-turns.ts";
import { isLarge, turnLarge } from "./large-authors.ts";
import { bellsSql, type Recipient, recipientsOf, SHARDS_PER_PART } from "./recipients.ts";
import type { Unread } from "../notifications/write-notifications.ts";

/** Bounds the work of one message. */
export const READERS_PER_MESSAGE = 1000;
/** A database that takes longer over a page, in ms, counts as failed. */
const PAGE_WRITTEN_WITHIN = 5000;

/**
 * Costs a root one D1 query and one call to the actor. Costs a page, and the root of a small author, one query of the
 * followers, one batch for each database they live in, and one call to the actor; it writes a row for each reader, and
 * three for each whose bell rings.
 */
export async function fanOut(env: Env, { post, author, parts }: FanOut): Promise<void> {
  if (parts) return servePage(env, post, author, parts);
  const { deleted, reach, recipients } = await standingOf(env, post, author);
  if (deleted) return;
  const bells = reach === "merged";
  if (bells && recipients === 0) {
    await env.POSTS.getByName(post).confirmDelivered(EVERY_PART);
    return;
  }
  if (reach === "pushed" && isLarge(env, recipients)) await turnLarge(env, author);
  const ranges = split(env, recipients).map((range) => (bells ? { ...range, bells } : range));
  const [only] = ranges;
  if (only && ranges.length === 1) await servePage(env, post, author, only);
  else await send(env, post, author, ranges);
}

/**
 * Throws, for a later try, while the post has no row. Whoever follows from now on finds the post by their backfill, and
 * whoever followed before is among the followers: so nobody falls between the two.
 *
 * The author's own feed, which the projector fills, has its turn of being trimmed here.
 */
async function standingOf(env: Env, post: PostId, author: PersonId) {
  const database = databaseOf(env, author);
  const [found] = await database.batch<{ deleted: number; reach: Reach; recipients: number }>([
    database.prepare(STANDING).bind(post, author),
    ...trimmed(database, drawn([author])),
  ]);
  const row = found?.results[0];
  if (!row) throw new Error(`${post} is not in D1 yet`);
  return row;
}

// Bells are counted only as far as it matters for the width of the tree.
const STANDING = `
  SELECT deleted, coalesce(reach, 'pushed') AS reach,
    iif(reach = 'merged', ${bellsSql(PARTS * READERS_PER_MESSAGE)}, coalesce(followers, 0)) AS recipients
  FROM post_stats LEFT JOIN people ON people.id = ?2 WHERE post = ?1`;

/**
 * All parts, in as many ranges as there are pages of recipients, about equal. Of more than one page no range reaches from
 * one database into the next, if these part where parts do: so none that is down stands in the way to another.
 */
function split(env: Env, recipients: number): Parts[] {
  const width = Math.min(PARTS, Math.max(1, Math.ceil(recipients / READERS_PER_MESSAGE)));
  const boundaries = new Set(Array.from({ length: width }, (_, index) => Math.floor((index * PARTS) / width)));
  const homeOf = (part: number) => bindingOf(env, part * SHARDS_PER_PART);
  const ranges: Parts[] = [];
  for (let part = 0; part < PARTS; part += 1) {
    const last = ranges.at(-1);
    if (last && !boundaries.has(part) && (width === 1 || homeOf(part) === homeOf(part - 1))) last.end = part + 1;
    else ranges.push({ first: part, end: part + 1 });
  }
  return ranges;
}

const setOf = ({ first, end }: Parts): number => 2 ** end - 2 ** first;

async function send(env: Env, post: PostId, author: PersonId, ranges: Parts[]): Promise<void> {
  const left = await env.POSTS.getByName(post).confirmDelivered(0);
  const messages = ranges.filter((parts) => (setOf(parts) & left) !== 0);
  if (messages.length === 0) return;
  await env.FAN_OUT_PAGES.sendBatch(messages.map((parts) => ({ body: { post, author, parts } satisfies FanOut })));
}

/** The next page only after the actor's answer: of a post that is gone, or a part that another chain has ended, there is none. */
async function servePage(env: Env, post: PostId, author: PersonId, parts: Parts): Promise<void> {
  const page = await recipientsOf(env, author, parts, READERS_PER_MESSAGE);
  await allOf(
    [...byDatabase(env, page, ({ id }) => id)].map(([database, group]) =>
      serve(env, database, group, post, author, parts.bells ?? false),
    ),
  );
  const last = page.length === READERS_PER_MESSAGE ? page.at(-1) : undefined;
  const left = await env.POSTS.getByName(post).confirmDelivered(last ? 0 : setOf(parts));
  if (!last || (setOf(parts) & left) === 0) return;
  await env.FAN_OUT_PAGES.send({ post, author, parts: { ...parts, after: last.id } } satisfies FanOut);
}

/** Those of a page who live in one database. What they have of the post already, a repetition leaves as it is. */
async function serve(
  env: Env,
  database: D1Database,
  group: readonly Recipient[],
  post: PostId,
  author: PersonId,
  bellsAlone: boolean,
): Promise<void> {
  // In the order of the feed's key: neighbouring rows lie on one page of the database.
  const readers = group.map(({ id }) => id).toSorted();
  const rung = group.filter(({ bell }) => bell).map(({ id }) => id);
  const pushed = bellsAlone
    ? []
    : [
        database.prepare(PUSH).bind(JSON.stringify(readers), post, author, seenSince()),
        ...trimmed(database, drawn(readers)),
      ];
  const statements = [...pushed, ...bellStatements(database, rung, author, [post])];
  const results = await within(PAGE_WRITTEN_WITHIN, database.batch<Unread>(statements), "D1");
  if (!bellsAlone) delivered("feeds", results[0]);
  if (rung.length > 0) await announce(env, unreadIn(results));
}

/** Waits for each of them, since none may be cut short by another that fails; then throws what the first of those threw. */
async function allOf(works: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

// The joins ask the facts, which live beside the feed: whoever has unfollowed in the meantime gets nothing, and neither does
// whoever reads this author's posts at read, or has not been there for long.
const PUSH = `
  INSERT INTO feed (reader, post, author)
  SELECT value, ?2, ?3 FROM json_each(?1)
  CROSS JOIN following ON follower = value AND followee = ?3 AND active = 1 AND merged = 0
  CROSS JOIN people ON people.id = value AND seen_day >= ?4
  WHERE true ON CONFLICT DO NOTHING`;
